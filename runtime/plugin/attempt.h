/// The walls around a call: what a plugin throws, forgets or loses becomes an outcome.
#pragma once

#include <string>

#include "plugin/context.h"

namespace reprise::runtime {

/// Calls `run`.  False: it threw, which is logged and described in `what`.
template <class F>
bool RunGuarded(const reprise_ctx& ctx, std::string& what, F run) {
  try {
    run();
    return true;
  } catch (const std::exception& e) {
    what = std::string("threw: ") + e.what();
  } catch (...) {  // also another toolchain's
    what = "threw something that is no std::exception";
  }
  Blame(ctx, "exception", what);
  return false;
}

/// After Do, Undo, Reconcile or Start has returned (or thrown `what`): what its Call says now.  A
/// call without an outcome is a Retry; so is a Done after an effect that was refused; effects stay
/// only with Done and Kept.
void Settle(reprise_ctx& ctx, bool returned, const std::string& what);

}  // namespace reprise::runtime
