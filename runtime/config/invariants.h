/// `invariants: [{ name, sql, expect: empty, when: always|ended }]`: SQL that answers no row while
/// all is well.  `$1` in it is the clock, in milliseconds.
#pragma once

#include <vector>

#include "config/finding.h"
#include "config/node.h"
#include "model/pipeline.h"

namespace reprise::runtime {

std::vector<Invariant> ReadInvariants(const Node& node, Sink& sink);

}  // namespace reprise::runtime
