/// Counters in Redis that never repeat a value, whatever becomes of Redis.
///
/// A value is given out only from a block that the journal has set aside: Redis hands the block
/// round among the processes, one after the other; the journal's mark says up to where values may
/// have been given.  What Redis knows counts only while it is the very server, with the very data
/// set, that was given the block (run id and replication id), and while it is not behind what this
/// process has seen: else (restarted, emptied, restored, failed over) it is given a new block above
/// the mark, and the rest of the old one is never used.
///
/// While Redis is away this process counts within blocks of its own.  Values stay unique; between
/// processes they then rise only within each.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "redis/connection.h"

namespace reprise::runtime::redis {

/// Sets aside values of a counter, durably and atomically between all processes: its mark (0 if it
/// has none) becomes max(mark, at_least) + block, which is answered.  The `block` values up to it
/// are the caller's alone.
using Reserve = std::function<Result<std::int64_t>(std::string_view counter, std::int64_t at_least,
                                                   std::int64_t block)>;

class Counters {  // Threads: one, the journal's.
 public:
  /// `connection` outlives it.
  Counters(Connection& connection, Reserve reserve)
      : connection_(connection), reserve_(std::move(reserve)) {}

  /// max(old + delta, floor), atomically; delta >= 0.
  /// kExhausted: past the last number; else the error of `reserve`.  Redis alone fails nothing.
  Result<std::int64_t> Count(std::string_view counter, std::int64_t delta, std::int64_t floor);

 private:
  struct Block {  // values in (base, mark] may be given
    std::int64_t base = 0, mark = 0;
  };
  struct Known {
    std::int64_t seen = 0;       // the highest value that this process has given out
    bool any = false;            // ... if it has
    std::optional<Block> alone;  // while Redis is away: base is the last value given
  };
  struct Step {  // in value or state: what the server said
    std::optional<std::int64_t> value;
    std::string state;          // of the counter there, when it has no value to give
    std::int64_t at_least = 0;  // ... and from where on it needs a block
    bool exhausted = false;
  };
  std::optional<Step> Ask(const std::string& key, const Known& known, std::int64_t delta,
                          std::int64_t floor, const std::optional<Block>& block,
                          const std::string& state);
  Result<std::int64_t> CountAlone(std::string_view counter, Known& known, std::int64_t delta,
                                  std::int64_t floor);
  Result<Block> NewBlock(std::string_view counter, std::int64_t at_least, std::int64_t delta);

  Connection& connection_;
  Reserve reserve_;
  std::map<std::string, Known, std::less<>> known_;
};

}  // namespace reprise::runtime::redis
