/// What `reprise bench` plays: a folder's bench.yaml.
///
///   bench: PIPELINE                    start: EVENT
///   root: { orderId: "{id}", who: "u{n}" }       {id}: the saga's id; {n}: 0, 1, 2, ...
///   undone: { step: STEP, every: 100 }           every 100th saga fails there
///   told: STEP                                   a saga counts once this step's do is committed
///   prepare: SQL                                 before the first saga; {sagas}: how many come
///   floor: PROGRAM                               hand-written, beside the binary
///   cluster_floor: PROGRAM                       the same for the cluster engine
#pragma once

#include <string>

#include "base/result.h"
#include "model/payload.h"

namespace reprise::runtime {

struct BenchPlan {
  std::string pipeline, start, told, floor, cluster_floor, prepare;
  json::object root;
  std::string undone_step;
  int undone_every = 0;

  /// The root payload of saga `n`; a field `bench` is "undone" in those that fail.
  json::object Root(std::int64_t n, const std::string& id) const;
};

Result<BenchPlan> ReadBenchPlan(const std::string& file);

}  // namespace reprise::runtime
