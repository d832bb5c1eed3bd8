/// A process's view of the journal that all simulated processes share: its transactions may fail,
/// the process may die in them, and the audit hears what they committed.
#pragma once

#include <memory>

#include "base/clock.h"
#include "ports/journal.h"
#include "simulation/audit.h"
#include "simulation/dice.h"
#include "simulation/wire.h"

namespace reprise::runtime::simulation {

/// What the parts of a simulated world have in common.  All outlive them.
struct Shared {
  Dice& dice;
  ManualClock& clock;
  Wire& wire;
  Audit& audit;
  /// How much of what a transaction makes it may handle itself.
  enum Local { kNothing, kOwnLanes, kEverything } local = kEverything;
};

/// `inner` outlives it.
std::unique_ptr<Journal> Disturbed(Journal& inner, int process, Shared& shared);

}  // namespace reprise::runtime::simulation
