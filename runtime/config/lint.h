/// What a reader of one pipeline would miss: events, reachability, alternatives, payloads, undo
/// scopes.
///
/// CheckEvents is needed to compile at all; Lint is what `reprise lint` adds and `reprise run`
/// insists on.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/draft.h"

namespace reprise::runtime {

using Drafts = std::vector<std::unique_ptr<Draft>>;

/// Resolves every `on` and `undo_on`.  `others` false: events of other pipelines are taken on
/// trust.
void CheckEvents(Draft& draft, const Drafts& all, bool others);

/// Routes that two pipelines claim.
void CheckRoutes(const Drafts& all);

/// The rules over the flow: unhandled, unreachable, cycles, alternatives, scopes, timers.  `draft`
/// is linked.
void LintFlow(Draft& draft, const Drafts& all);

/// The rules over payloads: fields that keys, settings, actions and questions need.
void LintPayloads(const Drafts& all);

/// Main steps that (transitively) wait for themselves.
StepSet InCycles(const Pipeline& pipeline);

}  // namespace reprise::runtime
