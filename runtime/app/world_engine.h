/// The cluster engine as a World has it: one worker, alone, on topics and a database that are
/// nobody else's.
#pragma once

#include <memory>
#include <string>

#include "app/engine.h"
#include "kafka/ends.h"

namespace reprise::runtime {

class WorldEngine : public Engine {  // Threads: as Engine.
 public:
  /// Nothing is on its way to Kafka, and all that Kafka has was handed out.
  virtual bool Quiet() = 0;
  /// As after kill -9: nothing more is written, and nothing is left in order.
  virtual void Abandon() = 0;
};

struct WorldEngineOptions {
  EngineOptions engine;
  std::string world;  // a word that Redis has not seen: its keys are named after it
  /// Kept from one world to the next, which take the same topics: lanes begin where they end.
  std::shared_ptr<LaneEnds> ends;
};

/// With one partition of every topic, and workers whose lease ends with their last commit: whoever
/// comes after a crash finds them gone at once.
Result<std::unique_ptr<WorldEngine>> OpenClusterWorld(const Deployment& deployment,
                                                      WorldEngineOptions options);

}  // namespace reprise::runtime
