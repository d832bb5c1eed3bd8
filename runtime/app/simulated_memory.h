/// What a simulated customer knows: every field of every answer, by its name.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/payload.h"
#include "model/pipeline.h"
#include "simulation/dice.h"

namespace reprise::runtime {

class SimulatedMemory {  // Threads: one.
 public:
  SimulatedMemory(simulation::Dice& dice, int number) : dice_(&dice), number_(number) {}

  /// Keeps the fields of an object, of its objects, and of those in lists.
  void Learn(const json::value& value);

  /// A value that he was told under this name, the newest more often than others; null: none.
  const json::value* Known(const std::string& name) const;
  const json::value* Newest(const std::string& name) const;

  /// What `from` (most often he himself) knows by this name if it is a text, else something of the
  /// type that he makes up.
  json::value ValueOf(const std::string& name, const BodyType& type,
                      const SimulatedMemory& from) const;

 private:
  json::value Fresh(const std::string& name, const BodyType& type,
                    const SimulatedMemory& from) const;

  simulation::Dice* dice_;
  int number_;
  std::map<std::string, std::vector<json::value>> knows_;
};

}  // namespace reprise::runtime
