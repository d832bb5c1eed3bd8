/// The servers that worlds run on when it is the cluster engine that is tested.
///
/// One world after the other has a database that is as good as new and topics that were made once;
/// all of them are of this run alone.
#pragma once

#include <memory>
#include <string>

#include "app/world_engine.h"
#include "config/deployment.h"
#include "postgres/own_database.h"

namespace reprise::runtime {

class WorldServers {  // Threads: one; outlives its worlds.
 public:
  /// Makes the database; kInvalid: the deployment does not say where servers are.
  static Result<std::shared_ptr<WorldServers>> Open(const Deployment& deployment);
  /// Takes the topics along, and the database.
  ~WorldServers();

  /// For the next world; none is alive.
  Status Clear();
  /// The last world ended with messages on their way: where lanes end has to be asked again.
  void Distrust() { ends_->clear(); }

  /// The engine of the world that is.
  Result<std::unique_ptr<WorldEngine>> Engine(const EngineOptions& options) const;

 private:
  WorldServers(Deployment deployment, postgres::OwnDatabase database)
      : deployment_(std::move(deployment)), database_(std::move(database)) {}

  const Deployment deployment_;
  const postgres::OwnDatabase database_;
  const std::shared_ptr<LaneEnds> ends_ = std::make_shared<LaneEnds>();
  int worlds_ = 0;
};

}  // namespace reprise::runtime
