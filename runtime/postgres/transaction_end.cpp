// How a transaction ends: what it consumed, its writes with its COMMIT, and what became of them.
#include <chrono>

#include <fmt/format.h>

#include "postgres/sqlstate.h"
#include "postgres/transaction.h"

namespace reprise::runtime::postgres {

/// Of each lane a piece of its log without a gap, beginning where the last one ended: what is
/// missing here would be lost.  A topic of others may have gaps: it may be compacted, and Kafka's
/// transactions take offsets too.
Status PostgresTransaction::Consume(std::span<const Message> consumed) {
  if (auto ready = Ready(); !ready) return ready;
  for (const Message& message : consumed) {
    if (message.offset < 0) continue;
    const auto found = readings_.find(message.lane);
    const bool first = found == readings_.end();
    const std::int64_t wanted = first ? core_.worker.NextOffset(message.lane) : found->second.next;
    const bool others = message.record && message.record->foreign;
    const bool follows = others ? wanted <= message.offset : wanted == message.offset;
    if (!core_.worker.Holds(message.lane) || (wanted >= 0 && !follows)) {
      const Error gap = core_.worker.Fence(fmt::format("offset {} of lane {} does not follow {}",
                                                       message.offset, message.lane, wanted - 1));
      sql_.Lose(gap);
      return gap;
    }
    Reading& reading = readings_[message.lane];
    if (first) reading.first = others && wanted >= 0 ? wanted : message.offset;
    if (others && wanted >= 0) reading.gaps += message.offset - wanted;
    reading.next = message.offset + 1;
    ++reading.records;
    reading.last = message.id;
  }
  return {};
}

Status PostgresTransaction::Commit(std::span<const Message>, std::string_view sealed) {
  if (auto ready = Ready(); !ready) return ready;
  if (sql_.spoiled()) {
    return Error{Code::kConflict,
                 "journal: a statement failed, and its attempt was not rolled back"};
  }
  return WriteAll(sealed);
}

Status PostgresTransaction::WriteAll(std::string_view sealed) {
  const auto began = std::chrono::steady_clock::now();
  Database::Pipeline pipeline(core_.db);
  if (auto added = Note(slots_.AddWrites(pipeline)); !added) return added;
  AddHistory(pipeline);
  AddIdempotency(pipeline);
  AddLanes(pipeline);
  core_.worker.AddLast(pipeline, sealed.empty() ? nullptr : &sealed);
  pipeline.Add("COMMIT");
  auto answers = pipeline.Run();
  if (!answers) return Failed(pipeline, answers.error());
  if (answers->back().tag() != "COMMIT") {
    const Error gone{Code::kInternal, "journal: the transaction had failed before its commit"};
    sql_.Lose(gone);
    return gone;
  }
  core_.worker.Committed();
  Done();
  core_.stats.commit_s +=
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  return {};
}

Status PostgresTransaction::Failed(const Database::Pipeline& pipeline, const Error& error) {
  if (pipeline.in_doubt()) {
    const auto committed = core_.worker.Resolve();
    if (!committed) {
      sql_.Lose(committed.error());
      return committed.error();
    }
    if (*committed) {
      Done();
      return {};
    }
  }
  Error why = error;
  const std::string& refusal = core_.db.refusal().sqlstate;
  if ((refusal == kDivisionByZero || refusal == kUniqueViolation) && !pipeline.in_doubt()) {
    why = lanes_at_ == pipeline.failed()
              ? core_.worker.Fence("a lane is no longer where this worker left it")
              : Error{Code::kContended, "journal: another worker made one of these rows"};
  }
  sql_.Lose(why);
  return why;
}

void PostgresTransaction::Done() {
  over_ = true;
  core_.in_transaction = false;
  core_.plans.Keep();
  for (const auto& [lane, reading] : readings_) core_.worker.Hold(lane, reading.next);
  ++core_.stats.commits;
}

}  // namespace reprise::runtime::postgres
