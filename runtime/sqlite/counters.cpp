#include "sqlite/counters.h"

#include <algorithm>
#include <chrono>

namespace reprise::runtime::sqlite {

Result<std::int64_t> Counters::Count(std::string_view counter, std::int64_t delta,
                                     std::int64_t floor) {
  if (core_.options.read_only)
    return Error{Code::kInvalid, core_.options.file + ": is open for reading only"};
  if (core_.in_transaction)
    return Error{Code::kInvalid, "a counter cannot be moved inside a transaction"};
  const auto found = Find(counter);
  if (!found) return found.error();
  Counter& c = **found;
  std::int64_t next = 0;
  if (__builtin_add_overflow(c.value, delta, &next))
    return Error{Code::kExhausted, "the counter is at its end"};
  next = std::max(next, floor);
  if (next > c.mark) {
    std::int64_t block = 0, mark = 0;
    if (__builtin_mul_overflow(std::max<std::int64_t>(delta, 0), 1'000, &block) ||
        __builtin_add_overflow(next, block, &mark)) {
      mark = next;
    }
    if (auto done = Commit(counter, mark); !done) return done.error();
    c.mark = mark;
  }
  c.value = next;
  return next;
}

Result<Counters::Counter*> Counters::Find(std::string_view counter) {
  if (const auto it = counters_.find(counter); it != counters_.end()) return &it->second;
  Cursor row = core_.db->Use("SELECT mark FROM rp_counter WHERE name = ?1");
  const auto found = row.Bind(counter).Next();
  if (!found) return found.error();
  const std::int64_t mark = *found ? row.Int(0) : 0;
  return &counters_.emplace(counter, Counter{mark, mark}).first->second;
}

Status Counters::Commit(std::string_view counter, std::int64_t mark) {
  const auto began = std::chrono::steady_clock::now();
  Cursor row = core_.db->Use("REPLACE INTO rp_counter VALUES(?1, ?2)");  // a transaction of its own
  if (auto done = row.Bind(counter, mark).Run(); !done) return done;
  core_.stats.last_commit_s =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  core_.stats.commit_s += core_.stats.last_commit_s;
  ++core_.stats.commits;
  return {};
}

Status Counters::Settle() {
  for (auto& [name, counter] : counters_) {
    if (counter.mark == counter.value) continue;
    if (auto done = Commit(name, counter.value); !done) return done;
    counter.mark = counter.value;
  }
  return {};
}

}  // namespace reprise::runtime::sqlite
