// Boost.JSON, compiled here once for the whole runtime.
#include <boost/json/src.hpp>
