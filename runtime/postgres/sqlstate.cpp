#include "postgres/sqlstate.h"

#include <algorithm>
#include <array>

namespace reprise::runtime::postgres {
namespace {

struct Meaning {
  std::string_view begins;
  Code code;
};

// The first that fits.  Whole states come before their classes.
constexpr std::array kMeanings{
    Meaning{"40P01", Code::kContended},    // deadlock
    Meaning{"55P03", Code::kContended},    // a lock was not free in time
    Meaning{"57014", Code::kContended},    // it took longer than a statement may: less may pass
    Meaning{"40", Code::kContended},       // serialization
    Meaning{"53200", Code::kContended},    // out of memory, also of the table of locks
    Meaning{"23", Code::kConflict},        // constraints
    Meaning{"25006", Code::kInvalid},      // a write where only reading is allowed
    Meaning{"42501", Code::kInvalid},      // no permission
    Meaning{"22", Code::kInvalid},         // values
    Meaning{"42", Code::kInvalid},         // SQL
    Meaning{"0A", Code::kInvalid},         // not supported
    Meaning{"54", Code::kInvalid},         // too complex
    Meaning{"21", Code::kInvalid},         // more than one row
    Meaning{"28", Code::kInvalid},         // who one is
    Meaning{"3D", Code::kInvalid},         // no such database
    Meaning{"25P03", Code::kUnavailable},  // idle in a transaction for too long
    Meaning{"08", Code::kUnavailable},     // connection
    Meaning{"53", Code::kUnavailable},     // disk, connections
    Meaning{"55", Code::kUnavailable},
    Meaning{"57", Code::kUnavailable},  // shut down, starting up, ended by hand
};

}  // namespace

Code CodeOf(std::string_view sqlstate) {
  if (sqlstate.empty()) return Code::kUnavailable;
  const auto* found = std::find_if(kMeanings.begin(), kMeanings.end(), [&](const Meaning& m) {
    return sqlstate.starts_with(m.begins);
  });
  return found == kMeanings.end() ? Code::kInternal : found->code;
}

bool EndsSession(std::string_view sqlstate) {
  return sqlstate.empty() || sqlstate.starts_with("08") || sqlstate == "25P03" ||
         (sqlstate.starts_with("57") && sqlstate != "57014");
}

}  // namespace reprise::runtime::postgres
