/// A host of the plugin ABI for tests: SQLite in memory, a clock one moves, faults on demand.  With
/// REPRISE_TESTKIT_POSTGRES in the environment, a connection string of libpq, PostgreSQL instead.
///
/// Behaves as the runtime does: Done and Kept commit, all else rolls back.  Kit (testkit.hpp) is
/// the face.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <reprise/testkit/http_server.hpp>
#include <reprise/testkit/ran.hpp>

namespace reprise::testkit {

enum class Phase { kDo, kUndo, kReconcile };

/// An action made with its settings; which parts of it the laws look at.
struct Bound {
  const reprise_action* action = nullptr;
  void* self = nullptr;
  std::vector<std::string> remains;
};

/// One call to be made.
struct Order {
  Phase phase = Phase::kDo;
  std::string saga, memo;
  Fields payload, root;
  int attempt = 1;
  Last last = Last::kDone;
};

class Host {  // Threads: the test's.
 public:
  /// Migrates and starts the plugin.  Throws std::runtime_error with the reason.  `http` may be
  /// null: made when asked for.
  Host(const reprise_plugin& plugin, const std::vector<reprise_value>& settings,
       std::unique_ptr<HttpServer> http = nullptr);
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  Bound Bind(std::string_view action, const std::vector<reprise_value>& with);

  Ran Run(const Bound& bound, const Order& order);
  /// In one batch if the action offers it and it succeeds, else one by one; `batched` says which.
  std::vector<Ran> RunAll(const Bound& bound, const std::vector<Order>& orders, bool& batched);
  Asked Ask(std::string_view question, const Fields& fields);

  std::string NewSaga();
  std::string Sql(std::string_view sql, const std::vector<reprise_value>& args);
  std::vector<Emitted> Advance(Millis by);

  Time now;
  Millis remaining{30'000};
  std::string saga;                 // of every call from now on; empty: a new one each
  std::string key, bearer, others;  // key: empty is the saga id
  bool cancelled = false;
  int fail_call = 0;     // the next call only; 0: none
  int crash_after = -1;  // the next call only; -1: never
  void SetSaga(std::string_view id, std::string_view state, const Fields& root);
  HttpServer& http();

  // -- for the laws
  /// Everything that a call may have changed, a line each; less what `remains` names.
  std::vector<std::string> Dump(const std::vector<std::string>& remains) const;
  std::vector<std::string> Effects()
      const;        // the same without tables: timers, records sent, requests made
  void Remember();  // nests
  void Restore();   // back to the last Remember, which is forgotten

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The sentences that do not hold; see testkit.hpp.
std::vector<std::string> BrokenLaws(Host& host, const Bound& bound,
                                    const std::vector<Fields>& inputs);

}  // namespace reprise::testkit
