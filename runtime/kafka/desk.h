/// Desk: what the journal says of lanes, under the names that their topics have.
#pragma once

#include "kafka/producer.h"
#include "kafka/topics.h"
#include "ports/lane_desk.h"
#include "ports/lanes.h"

namespace reprise::runtime::kafka {

class Desk : public LaneDesk {  // Threads: the worker's.
 public:
  /// All outlive it.
  Desk(const Topics& topics, Lanes& lanes, const Producer& producer)
      : topics_(topics), lanes_(lanes), producer_(producer) {}

  Result<std::vector<Row>> List() override;
  Result<std::int64_t> Resume(std::string_view topic, std::int64_t partition,
                              std::optional<std::int64_t> from) override;

 private:
  const Topics& topics_;
  Lanes& lanes_;
  const Producer& producer_;  // its client is asked what a topic has
};

}  // namespace reprise::runtime::kafka
