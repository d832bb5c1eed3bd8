/// One call of a plugin in the test kit's host, and the table of functions that it sees.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include <reprise/abi.h>
#include <reprise/testkit/host.hpp>

#include "database.h"

namespace reprise::testkit {

enum class Kind { kDo, kUndo, kReconcile, kStart, kQuestion };

struct KnownSaga {
  std::string state, root;
};

/// What outlives a call.
struct World {
  std::map<std::string, std::int64_t> counters;
  std::map<std::string, KnownSaga> sagas;
  struct Timer {
    Time due;
    std::string saga, event;
    Fields added;
  };
  std::vector<Timer> timers;
  std::vector<Sent> sent;
  std::vector<std::string> hints;
};

}  // namespace reprise::testkit

struct reprise_ctx {
  reprise::testkit::Kind kind = reprise::testkit::Kind::kDo;
  reprise::testkit::Database* database = nullptr;
  reprise::testkit::World* world = nullptr;
  const reprise_action* action = nullptr;
  const reprise_question* question = nullptr;
  bool external = false;

  // what the plugin may ask for
  reprise::testkit::Order order;
  std::string payload_json, root_json, key, idempotency_key, do_key, bearer, others;
  reprise::Time now;
  reprise::Millis remaining{0};
  bool cancelled = false;

  // faults
  int fail_call = 0, crash_after = -1;

  // what it did
  reprise::Ran ran;
  reprise::Asked asked;
  bool finished = false;
  std::optional<reprise::Error> lost;  // something it asked for did not happen: it cannot be Done
  std::deque<std::string> arena;       // what was handed out
};

namespace reprise::testkit {

const reprise_host& HostTable();

/// "{"a":1}" of fields; JSON values go in as they are.
std::string ToText(const Fields& fields);
/// Throws std::runtime_error.
Fields FromText(std::string_view object);

/// Why these fields are not what is declared; empty: they are.
std::string Mismatch(const Fields& fields, reprise_fields_fn declared);

}  // namespace reprise::testkit
