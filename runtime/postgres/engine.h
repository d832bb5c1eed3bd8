/// The cluster engine's journal: PostgreSQL, shared by any number of workers.
///
///   auto engine = PostgresEngine::Open({.url = "postgresql://reprise@db/shop"});
///
/// Each engine is one worker with one connection and one row among the workers; the destructor is
/// the clean stop, after which others need not wait for its lease to end.  A connection that breaks
/// is made again by the next call.  Schemas, of the runtime and of plugins, are changed by one
/// process at a time, so that several may start at once.
#pragma once

#include <memory>

#include "ports/journal.h"
#include "ports/lanes.h"
#include "postgres/options.h"
#include "postgres/stats.h"

namespace reprise::runtime {

class PostgresEngine {  // Threads: one at a time; no transaction is open when it is destroyed.
 public:
  using Options = postgres::Options;
  using Stats = postgres::Stats;

  /// kInvalid: as it is written it will never work; kUnavailable: not now.  Neither says a
  /// password.
  static Result<std::unique_ptr<PostgresEngine>> Open(Options options);
  ~PostgresEngine();
  PostgresEngine(const PostgresEngine&) = delete;
  PostgresEngine& operator=(const PostgresEngine&) = delete;

  Journal& journal();
  Lanes& lanes();
  const Stats& stats() const;
  Uuid worker() const;
  /// Why PostgreSQL cannot be reached or does not answer, for readiness; nothing: it does.
  /// Threads: any.
  std::optional<std::string> Trouble() const;

  /// For one who counts elsewhere, a block at a time: the first of `block` values that are above
  /// `at_least` and that nobody was ever given.  Durable when it returns.
  Result<std::int64_t> Reserve(std::string_view counter, std::int64_t at_least, std::int64_t block);

  /// For the audit of a journal at rest.
  Result<LaneLog> ReadLaneLog();

  /// As after kill -9: the connection ends without a word, and nothing is left in order.
  void Abandon();

 private:
  struct Parts;
  explicit PostgresEngine(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
  bool abandoned_ = false;
};

}  // namespace reprise::runtime
