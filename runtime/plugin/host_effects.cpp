#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "base/utf8.h"
#include "plugin/context.h"
#include "plugin/host.h"
#include "plugin/names.h"

namespace reprise::runtime::host {
namespace {

constexpr std::int64_t kDelayMsMax = 3660LL * 86'400'000;  // ten years

std::string Shown(reprise_str text) {
  return CleanUtf8(View(text), 80);
}

reprise_status LoseAndBlame(reprise_ctx& ctx, std::string_view fault, std::string what) {
  return Lose(ctx, RefuseAndBlame(ctx, fault, std::move(what)));
}

const EventInfo* FindEvent(const reprise_ctx& ctx, std::string_view name) {
  for (const EventInfo& event : ctx.callee->action->events) {
    if (event.name == name) return &event;
  }
  return nullptr;
}

/// The fields an event adds, checked against what it declares and against the size of the payload
/// it joins.
Result<json::object> Added(const reprise_ctx& ctx, const EventInfo& event,
                           const reprise_field* fields, std::size_t n) {
  Result<json::object> added = FromAbi(fields, n);
  if (!added) return added;
  if (const std::string mismatch = Mismatch(*added, event.added); !mismatch.empty()) {
    return Error{Code::kInvalid, mismatch};
  }
  const std::size_t before = ctx.call->payload == nullptr ? 0 : SizeOf(ctx.call->payload->object());
  if (before + SizeOf(*added) > kPayloadBytesMax) {
    return Error{Code::kInvalid, "the payload would be larger than 512 KiB"};
  }
  return added;
}

void Disarm(Call& call, std::string_view event) {
  std::erase_if(call.armed, [&](const Call::Armed& armed) { return armed.event == event; });
}

}  // namespace

reprise_status Emit(reprise_ctx* ctx, reprise_str event, const reprise_field* added,
                    std::size_t n) {
  if (const reprise_status status = Admit(ctx, kCallDo | kCallReconcile, "emit");
      status.code != REPRISE_OK)
    return status;
  if (!ctx->call->emitted.empty()) {
    return LoseAndBlame(*ctx, "second_event",
                        fmt::format("emitted '{}' after '{}': a Do emits one event at most",
                                    Shown(event), ctx->call->emitted.front().event));
  }
  const EventInfo* const declared = FindEvent(*ctx, View(event));
  if (declared == nullptr) {
    return LoseAndBlame(*ctx, "undeclared_event",
                        fmt::format("emitted undeclared event '{}'", Shown(event)));
  }
  if (declared->timer) {
    return LoseAndBlame(*ctx, "timer_event",
                        fmt::format("emitted '{}', which only a timer may", declared->name));
  }
  Result<json::object> fields = Added(*ctx, *declared, added, n);
  if (!fields) {
    return LoseAndBlame(*ctx, "bad_fields",
                        fmt::format("event '{}': {}", declared->name, fields.error().message));
  }
  ctx->call->emitted.push_back({declared->name, *std::move(fields)});
  return Ok();
}

reprise_status After(reprise_ctx* ctx, std::int64_t delay_ms, reprise_str event,
                     const reprise_field* added, std::size_t n) {
  if (const reprise_status status = Admit(ctx, kCallDo | kCallReconcile, "after");
      status.code != REPRISE_OK)
    return status;
  const EventInfo* const declared = FindEvent(*ctx, View(event));
  if (declared == nullptr || !declared->timer) {
    return LoseAndBlame(
        *ctx, "undeclared_event",
        fmt::format("armed '{}', which is not declared as a timer's event", Shown(event)));
  }
  if (delay_ms > kDelayMsMax) {
    return LoseAndBlame(*ctx, "bad_arguments",
                        fmt::format("armed '{}' for more than ten years", declared->name));
  }
  Result<json::object> fields = Added(*ctx, *declared, added, n);
  if (!fields) {
    return LoseAndBlame(*ctx, "bad_fields",
                        fmt::format("event '{}': {}", declared->name, fields.error().message));
  }
  Disarm(*ctx->call, declared->name);  // of one event there is one timer: the latest
  ctx->call->armed.push_back(
      {declared->name, Millis(std::max<std::int64_t>(0, delay_ms)), *std::move(fields)});
  return Ok();
}

reprise_status CancelAfter(reprise_ctx* ctx, reprise_str event) {
  if (const reprise_status status =
          Admit(ctx, kCallDo | kCallUndo | kCallReconcile, "cancel_after");
      status.code != REPRISE_OK) {
    return status;
  }
  const EventInfo* const declared = FindEvent(*ctx, View(event));
  if (declared == nullptr || !declared->timer) {
    return LoseAndBlame(
        *ctx, "undeclared_event",
        fmt::format("cancelled '{}', which is not declared as a timer's event", Shown(event)));
  }
  Disarm(*ctx->call, declared->name);
  ctx->call->disarmed.push_back(declared->name);
  return Ok();
}

reprise_status Send(reprise_ctx* ctx, reprise_str topic, reprise_str key, reprise_str bytes) {
  if (const reprise_status status = Admit(ctx, kCallDo | kCallUndo | kCallReconcile, "send");
      status.code != REPRISE_OK) {
    return status;
  }
  if (!IsTopicName(View(topic))) {
    return LoseAndBlame(*ctx, "bad_arguments",
                        fmt::format("no topic may be named '{}'", Shown(topic)));
  }
  // All that a call sends is one commit's, and waits in memory until then.
  std::size_t bytes_sent = View(key).size() + View(bytes).size();
  for (const Call::Sent& before : ctx->call->sent)
    bytes_sent += before.key.size() + before.bytes.size();
  if (bytes_sent > kPayloadBytesMax) {
    return LoseAndBlame(
        *ctx, "bad_arguments",
        fmt::format("sent more than 512 KiB, the last to topic '{}'", Shown(topic)));
  }
  if (ctx->call->sent.size() == kSentMax) {
    return LoseAndBlame(*ctx, "bad_arguments", fmt::format("sent more than {} records", kSentMax));
  }
  ctx->call->sent.push_back(
      {std::string(View(topic)), std::string(View(key)), std::string(View(bytes))});
  return Ok();
}

reprise_status Respond(reprise_ctx* ctx, std::int32_t http, const reprise_field* body,
                       std::size_t n) {
  if (const reprise_status status = Admit(ctx, kCallDo, "respond"); status.code != REPRISE_OK)
    return status;
  if (ctx->call->step == nullptr || !ctx->call->step->inlined) {
    return LoseAndBlame(*ctx, "not_offered", "respond is offered only in a step that a route runs");
  }
  if (ctx->call->response) return LoseAndBlame(*ctx, "second_response", "responded twice");
  if (http < 200 || http > 299) {
    return LoseAndBlame(*ctx, "bad_arguments",
                        fmt::format("responded with status {}; only Fail refuses", http));
  }
  const Result<json::object> fields = FromAbi(body, n);
  if (!fields) return LoseAndBlame(*ctx, "bad_fields", "response: " + fields.error().message);
  ctx->call->response.emplace(http, json::serialize(*fields));
  return Ok();
}

reprise_status Hint(reprise_ctx* ctx, reprise_str channel) {
  if (const reprise_status status = Admit(ctx, kCallDo | kCallUndo | kCallReconcile, "hint");
      status.code != REPRISE_OK) {
    return status;
  }
  if (View(channel).empty() || View(channel).size() > 512) {
    return RefuseAndBlame(*ctx, "bad_arguments",
                          "hinted at a channel without a name or with a very long one");
  }
  ctx->call->hints.emplace_back(View(channel));
  return Ok();
}

void WriteLog(reprise_ctx* ctx, std::int32_t level, reprise_str text) {
  if (!Alive(ctx, "log")) return;
  const LogLevel at = static_cast<LogLevel>(std::clamp(level, 0, 3));
  if (!LogEnabled(at)) return;
  const std::string line = CleanUtf8(View(text), 4096);
  if (ctx->call == nullptr || ctx->call->step == nullptr) {
    Log(at, line, {{"plugin", ctx->callee->name()}});
    return;
  }
  Log(at, line,
      {{"plugin", ctx->callee->name()},
       {"saga", ctx->call->saga_id},
       {"step", ctx->call->step->name}});
}

void Metric(reprise_ctx* ctx, reprise_str name, std::int64_t delta) {
  if (!Alive(ctx, "metric")) return;
  if (!IsWord(View(name)) || delta < 0) {
    Blame(*ctx, "bad_arguments", fmt::format("counted {} under '{}'", delta, Shown(name)));
  } else if (!ctx->callee->Count(View(name), delta)) {
    Blame(*ctx, "too_many_counters",
          fmt::format("counts under more names than may be; '{}' is left out", Shown(name)));
  }
}

}  // namespace reprise::runtime::host
