#include "plugin/attempt.h"

#include <fmt/format.h>

namespace reprise::runtime {
namespace {

Outcome RetryOf(std::string code, std::string detail) {
  Outcome outcome;
  outcome.verdict = Verdict::kRetry;
  outcome.code = std::move(code);
  outcome.detail = std::move(detail);
  return outcome;
}

std::string Faulted(const reprise_ctx& ctx, std::string_view what) {
  return fmt::format("plugin {} {} (plugin's fault)", ctx.callee->name(), what);
}

bool Stands(const Call& call) {
  if (call.reconcile) return call.finished && call.found == REPRISE_FOUND_DONE;
  return call.outcome.verdict == Verdict::kDone || call.outcome.verdict == Verdict::kKept;
}

/// An effect the plugin asked for did not happen, and it said Done all the same.
void TakeBack(reprise_ctx& ctx) {
  Call& call = *ctx.call;
  if (ctx.lost == Code::kInvalid) {
    Blame(ctx, "ignored_refusal", "said Done although the host had refused a call");
    call.outcome =
        RetryOf("refused_call", Faulted(ctx, "said Done after a refused call: " + ctx.lost_why));
  } else {
    call.outcome = RetryOf("unavailable", ctx.lost_why);
  }
}

}  // namespace

void Settle(reprise_ctx& ctx, bool returned, const std::string& what) {
  Call& call = *ctx.call;
  if (!returned) {
    call.outcome = RetryOf("exception", Faulted(ctx, what));
    call.finished = false;
  } else if (!ctx.ended) {
    Blame(ctx, "no_outcome", "returned no outcome");
    call.outcome = RetryOf("no_outcome", Faulted(ctx, "returned no outcome"));
  } else if (ctx.lost != Code::kOk && Stands(call)) {
    TakeBack(ctx);
  }
  if (call.reconcile && (!call.finished || call.outcome.verdict != Verdict::kDone))
    call.found = REPRISE_FOUND_UNKNOWN;
  if (!Stands(call)) call.ClearEffects();
}

}  // namespace reprise::runtime
