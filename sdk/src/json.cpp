// Boost.JSON, compiled once for all plugins that link reprise::json.
#include <boost/json/src.hpp>
