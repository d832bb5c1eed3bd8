/// Plugins as they are, in a world where they fail, take long, hang, and die with their process.
#pragma once

#include <memory>

#include "ports/plugins.h"
#include "simulation/journal.h"

namespace reprise::runtime::simulation {

/// `inner` and `shared` outlive it and what it binds.
std::unique_ptr<Plugins> Disturbed(Plugins& inner, int process, Shared& shared);

}  // namespace reprise::runtime::simulation
