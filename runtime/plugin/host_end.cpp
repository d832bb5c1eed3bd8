#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/utf8.h"
#include "plugin/context.h"
#include "plugin/host.h"
#include "plugin/names.h"

namespace reprise::runtime::host {
namespace {

constexpr std::int64_t kLaterMsMax = 366LL * 86'400'000;
constexpr std::size_t kDetailBytesMax = 2000;

/// Ends the call: true for the first outcome, on the call's own thread, in a call that ends so.
bool End(reprise_ctx* ctx, unsigned kinds, std::string_view function) {
  if (ctx != nullptr && ctx->magic.load(std::memory_order_acquire) == reprise_ctx::kAlive &&
      ctx->ended && ctx->thread == std::this_thread::get_id()) {
    Blame(*ctx, "second_outcome",
          fmt::format("called {} again; its first outcome stands", function));
    return false;
  }
  if (Admit(ctx, kinds, function).code != REPRISE_OK) return false;
  ctx->ended = true;
  return true;
}

template <class T>
bool Declares(const std::vector<T>& errors, std::string_view code) {
  return std::ranges::any_of(errors, [&](const T& error) { return error.code == code; });
}

Outcome BadOutcome(const reprise_ctx& ctx, std::string what) {
  Blame(ctx, "bad_outcome", what);
  Outcome outcome;
  outcome.verdict = Verdict::kRetry;
  outcome.code = "bad_outcome";
  outcome.detail = fmt::format("plugin {}: {} (plugin's fault)", ctx.callee->name(), what);
  return outcome;
}

/// A Fail's code is declared, or it is "internal" (a Result that was an error); others are told as
/// such.
void CheckCode(const reprise_ctx& ctx, Outcome& outcome) {
  if (outcome.verdict == Verdict::kRetry) {
    if (!outcome.code.empty() && !IsCode(outcome.code)) outcome.code = "retry";
    return;
  }
  if (outcome.code == "internal") return;
  if (ctx.callee->action != nullptr && Declares(ctx.callee->action->errors, outcome.code)) return;
  const std::string what =
      fmt::format("failed with undeclared code '{}'", CleanUtf8(outcome.code, 80));
  Blame(ctx, "undeclared_code", what);
  outcome.detail = outcome.detail.empty() ? what : what + ": " + outcome.detail;
  outcome.code = "internal";
}

Outcome Read(const reprise_ctx& ctx, const reprise_outcome* from) {
  constexpr std::array kVerdicts{Verdict::kDone, Verdict::kRetry, Verdict::kLater, Verdict::kKept,
                                 Verdict::kFail};
  if (from == nullptr || !REPRISE_HAS(from, memo))
    return BadOutcome(ctx, "finished with a broken outcome");
  if (from->verdict < 0 || from->verdict >= static_cast<std::int32_t>(kVerdicts.size())) {
    return BadOutcome(ctx,
                      fmt::format("finished with verdict {}, which there is not", from->verdict));
  }
  Outcome outcome;
  outcome.verdict = kVerdicts[static_cast<std::size_t>(from->verdict)];
  switch (outcome.verdict) {
    case Verdict::kDone:
      if (View(from->memo).size() > kPayloadBytesMax)
        return BadOutcome(ctx, "left a memo larger than 512 KiB");
      outcome.memo = View(from->memo);
      return outcome;
    case Verdict::kKept:
      if (ctx.kind != kCallUndo) return BadOutcome(ctx, "answered Kept, which only Undo may");
      break;
    case Verdict::kRetry:
    case Verdict::kLater:
      outcome.after = Millis(std::clamp<std::int64_t>(from->after_ms, 0, kLaterMsMax));
      break;
    case Verdict::kFail:
      break;
  }
  outcome.detail = CleanUtf8(View(from->detail), kDetailBytesMax);
  if (outcome.verdict == Verdict::kRetry || outcome.verdict == Verdict::kFail) {
    outcome.code = View(from->code);
    CheckCode(ctx, outcome);
  }
  return outcome;
}

// ---------------------------------------------------------------- answers

void Broken(const reprise_ctx& ctx, std::string what) {
  Blame(ctx, "bad_answer", what);
  ctx.asked->kind = Asked::kNone;
  ctx.asked->code = "internal";
  ctx.asked->detail = fmt::format("plugin {}: {} (plugin's fault)", ctx.callee->name(), what);
}

void TakeAdd(const reprise_ctx& ctx, const reprise_answer& from) {
  Result<json::object> fields = FromAbi(from.fields, from.n_fields);
  if (!fields) return Broken(ctx, "answer: " + fields.error().message);
  if (const std::string mismatch = Mismatch(*fields, ctx.callee->question->out);
      !mismatch.empty()) {
    return Broken(ctx, "answer: " + mismatch);
  }
  ctx.asked->fields_out = *std::move(fields);
  ctx.asked->kind = Asked::kAdd;
}

void TakeReply(const reprise_ctx& ctx, const reprise_answer& from) {
  Asked& asked = *ctx.asked;
  if (from.http < 200 || from.http > 599)
    return Broken(ctx, fmt::format("replied with status {}", from.http));
  if (View(from.body).empty()) {
    Result<json::object> fields = FromAbi(from.fields, from.n_fields);
    if (!fields) return Broken(ctx, "reply: " + fields.error().message);
    asked.fields_out = *std::move(fields);
    asked.body = json::serialize(asked.fields_out);
  } else {
    Result<json::value> body = ParseJson(View(from.body));
    if (!body) return Broken(ctx, "reply: " + body.error().message);
    if (json::object* const object = body->if_object()) asked.fields_out = std::move(*object);
    asked.body = View(from.body);
  }
  asked.status = from.http;
  asked.kind = Asked::kReply;
}

void TakeRefusal(const reprise_ctx& ctx, const reprise_answer& from) {
  Asked& asked = *ctx.asked;
  for (const ProblemInfo& problem : ctx.callee->question->errors) {
    if (problem.code != View(from.code)) continue;
    asked.kind = Asked::kRefuse;
    asked.status = problem.http;
    asked.code = problem.code;
    asked.detail = CleanUtf8(View(from.detail), kDetailBytesMax);
    return;
  }
  Broken(ctx, fmt::format("refused with undeclared code '{}'", CleanUtf8(View(from.code), 80)));
}

}  // namespace

void Finish(reprise_ctx* ctx, const reprise_outcome* outcome) {
  if (!End(ctx, kCallDo | kCallUndo | kCallStart, "finish")) return;
  ctx->call->outcome = Read(*ctx, outcome);
  ctx->call->finished = true;
}

void Found(reprise_ctx* ctx, std::int32_t what, reprise_str memo) {
  if (!End(ctx, kCallReconcile, "found")) return;
  Call& call = *ctx->call;
  if (what < REPRISE_FOUND_DONE || what > REPRISE_FOUND_UNKNOWN ||
      View(memo).size() > kPayloadBytesMax) {
    call.outcome = BadOutcome(*ctx, fmt::format("found {}, which there is not", what));
    return;
  }
  call.found = what;
  call.outcome = {};
  if (what == REPRISE_FOUND_DONE) call.outcome.memo = View(memo);
  call.finished = true;
}

void Answer(reprise_ctx* ctx, const reprise_answer* answer) {
  if (!End(ctx, kCallQuestion, "answer")) return;
  if (answer == nullptr || !REPRISE_HAS(answer, detail))
    return Broken(*ctx, "gave a broken answer");
  switch (answer->kind) {
    case REPRISE_ADD:
      return TakeAdd(*ctx, *answer);
    case REPRISE_REPLY:
      return TakeReply(*ctx, *answer);
    case REPRISE_REFUSE:
      return TakeRefusal(*ctx, *answer);
    default:
      return Broken(*ctx,
                    fmt::format("gave an answer of kind {}, which there is not", answer->kind));
  }
}

}  // namespace reprise::runtime::host
