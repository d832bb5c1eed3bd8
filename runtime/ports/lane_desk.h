/// LaneDesk: the lanes of an engine as an operator sees them, and the one thing a person may decide
/// about a lane that stands still: where it goes on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

namespace reprise::runtime {

class LaneDesk {  // Threads: the executor's, between transactions.
 public:
  virtual ~LaneDesk() = default;

  struct Row {
    std::string topic;
    std::int64_t partition = 0;
    Uuid worker;                    // nil: nobody works on it
    std::int64_t epoch = 0;         // how often it changed hands
    std::int64_t next_offset = -1;  // -1: nothing was ever consumed
    std::string why;                // it stands still; empty: it does not
  };
  /// Every lane that somebody ever worked on, in the order of topics and partitions.
  virtual Result<std::vector<Row>> List() = 0;

  /// The lane goes on from this offset, or from the first one that its topic still has, in
  /// whichever process it is; what comes again is a duplicate and does nothing.  Answers the
  /// offset.  kInvalid: the topic has no such offset.  kNotFound: the lane does not stand still.
  virtual Result<std::int64_t> Resume(std::string_view topic, std::int64_t partition,
                                      std::optional<std::int64_t> from) = 0;
};

}  // namespace reprise::runtime
