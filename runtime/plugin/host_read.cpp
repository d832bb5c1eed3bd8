#include <algorithm>

#include <fmt/format.h>

#include "plugin/context.h"
#include "plugin/host.h"
#include "plugin/names.h"

namespace reprise::runtime::host {
namespace {

constexpr std::int64_t kNoDeadlineMs = 86'400'000;  // what is left when nothing hurries

const Payload* PayloadOf(const reprise_ctx& ctx) {
  return ctx.call != nullptr ? ctx.call->payload : ctx.asked->fields;
}
const Payload* RootOf(const reprise_ctx& ctx) {
  return ctx.call != nullptr ? ctx.call->root : ctx.asked->fields;
}

/// The text of a payload, made once a call.
std::string_view JsonOf(reprise_ctx& ctx, const Payload* payload, std::string_view& cache) {
  if (cache.empty()) cache = ctx.arena.Keep(payload == nullptr ? "{}" : payload->Serialize());
  return cache;
}

std::string_view TextOfCall(reprise_ctx& ctx, std::int32_t what) {
  const Call& call = *ctx.call;
  switch (what) {
    case REPRISE_SAGA_ID:
      return call.saga_id;
    case REPRISE_STEP:
      return call.step == nullptr ? std::string_view() : call.step->name;
    case REPRISE_KEY:
      return call.key;
    case REPRISE_MEMO:
      return call.memo;
    case REPRISE_IDEMPOTENCY_KEY:
      return call.idempotency_key;
    case REPRISE_DO_KEY:
      return call.do_key;
    case REPRISE_OTHERS:
      return call.others;
    case REPRISE_TRACE:
      return call.trace;
    default:
      return {};
  }
}

std::int64_t Remaining(const reprise_ctx& ctx) {
  const Time now = ctx.call != nullptr ? ctx.call->now : ctx.asked->now;
  const Time deadline = ctx.call != nullptr ? ctx.call->deadline : ctx.asked->deadline;
  if (deadline == Time{}) return kNoDeadlineMs;
  std::int64_t left = (deadline - now).count();
  if (ctx.call != nullptr && ctx.call->sql == nullptr) {  // external: real time passes meanwhile
    left -=
        std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now() - ctx.began).count();
  }
  return std::max<std::int64_t>(0, left);
}

}  // namespace

reprise_str Text(reprise_ctx* ctx, std::int32_t what) {
  if (!Alive(ctx, "text")) return {nullptr, 0};
  if (ctx->thread != std::this_thread::get_id()) {
    Blame(*ctx, "wrong_thread", "called text on another thread than its own");
    return {nullptr, 0};
  }
  if (what == REPRISE_PAYLOAD) return Str(JsonOf(*ctx, PayloadOf(*ctx), ctx->payload_json));
  if (what == REPRISE_ROOT) return Str(JsonOf(*ctx, RootOf(*ctx), ctx->root_json));
  if (ctx->call != nullptr) return Str(TextOfCall(*ctx, what));
  return Str(what == REPRISE_BEARER ? ctx->asked->bearer : std::string_view());
}

std::int64_t Number(const reprise_ctx* ctx, std::int32_t what) {
  if (!Alive(ctx, "number")) return 0;
  if (what == REPRISE_NOW) return ToMillis(ctx->call != nullptr ? ctx->call->now : ctx->asked->now);
  if (what == REPRISE_REMAINING) return Remaining(*ctx);
  if (ctx->call == nullptr) return 0;
  const Call& call = *ctx->call;
  switch (what) {
    case REPRISE_ITEM:
      return call.item;
    case REPRISE_ATTEMPT:
      return call.attempt;
    case REPRISE_IS_CANCELLED:
      return call.cancelled != nullptr && call.cancelled->load(std::memory_order_relaxed) ? 1 : 0;
    case REPRISE_LAST:
      switch (call.last) {
        case Last::kDone:
          return REPRISE_LAST_DONE;
        case Last::kUnknown:
          return REPRISE_LAST_UNKNOWN;
        case Last::kNever:
          return REPRISE_LAST_NEVER;
      }
      return REPRISE_LAST_DONE;
    case REPRISE_IS_UNDO:
      return call.phase == Phase::kDo ? 0 : 1;
    default:
      return 0;
  }
}

reprise_status Field(reprise_ctx* ctx, std::int32_t of, reprise_str name, reprise_value* out) {
  if (const reprise_status status = Admit(ctx, ~kCallStart, "field"); status.code != REPRISE_OK)
    return status;
  if (out == nullptr || (of != REPRISE_OF_PAYLOAD && of != REPRISE_OF_ROOT)) {
    return RefuseAndBlame(*ctx, "bad_arguments", "called field without a place for the value");
  }
  const Payload* const payload = of == REPRISE_OF_PAYLOAD ? PayloadOf(*ctx) : RootOf(*ctx);
  const json::value* const value = payload == nullptr ? nullptr : payload->Find(View(name));
  if (value == nullptr) return {REPRISE_NOT_FOUND, Str("there is no such field")};
  *out = ToAbi(*value, ctx->arena);
  return Ok();
}

reprise_status Saga(reprise_ctx* ctx, reprise_str id, reprise_saga_view* out) {
  if (const reprise_status status = Admit(ctx, kCallQuestion, "saga"); status.code != REPRISE_OK)
    return status;
  if (out == nullptr || !REPRISE_HAS(out, root) || ctx->asked->journal == nullptr) {
    return RefuseAndBlame(*ctx, "bad_arguments", "called saga without a place for the answer");
  }
  const std::optional<Uuid> uuid = Uuid::Parse(View(id));
  if (!uuid) return {REPRISE_NOT_FOUND, Str("there is no such saga")};
  const Result<std::optional<runtime::Saga>> found = ctx->asked->journal->FindSaga(*uuid);
  if (!found) return Refuse(*ctx, found.error().code, found.error().message);
  if (!*found || (*found)->pipeline != ctx->asked->pipeline)
    return {REPRISE_NOT_FOUND, Str("there is no such saga")};
  out->state = Str(Name((*found)->state));
  out->root = Str(ctx->arena.Keep((*found)->root.Serialize()));
  return Ok();
}

reprise_status Count(reprise_ctx* ctx, reprise_str counter, std::int64_t delta, std::int64_t floor,
                     std::int64_t* out) {
  if (const reprise_status status = Admit(ctx, kCallQuestion, "count"); status.code != REPRISE_OK)
    return status;
  if (out == nullptr || ctx->asked->journal == nullptr || !IsWord(View(counter))) {
    return RefuseAndBlame(*ctx, "bad_arguments",
                          "called count with a bad name, or without a place for the value");
  }
  const std::string own =
      fmt::format("{}.{}", ctx->callee->plugin(), View(counter));  // no plugin meets another's
  const Result<std::int64_t> value = ctx->asked->journal->Count(own, delta, floor);
  if (!value) return Refuse(*ctx, value.error().code, value.error().message);
  *out = *value;
  return Ok();
}

}  // namespace reprise::runtime::host
