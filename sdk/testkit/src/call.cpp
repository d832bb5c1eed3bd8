// The functions a plugin sees.  They behave as the runtime's: what does not fit the call answers
// INVALID, and after something it asked for did not happen a plugin cannot be Done.
#include "call.h"

#include <algorithm>

namespace reprise::testkit {
namespace {

using detail::FromAbi;

constexpr unsigned Bit(Kind kind) {
  return 1U << static_cast<unsigned>(kind);
}
constexpr unsigned kDo = Bit(Kind::kDo) | Bit(Kind::kReconcile);
constexpr unsigned kSteps = kDo | Bit(Kind::kUndo);
constexpr unsigned kQuestion = Bit(Kind::kQuestion);
constexpr unsigned kAny = kSteps | Bit(Kind::kStart) | kQuestion;

reprise_str Keep(reprise_ctx* ctx, std::string text) {
  return detail::ToAbi(ctx->arena.emplace_back(std::move(text)));
}

reprise_status Refuse(reprise_ctx* ctx, Code code, std::string message) {
  return {static_cast<std::int32_t>(code), Keep(ctx, std::move(message))};
}

reprise_status Lose(reprise_ctx* ctx, Code code, const std::string& message) {
  if (!ctx->lost) ctx->lost = Error{code, message};
  return Refuse(ctx, code, message);
}

/// Opens every function that can fail: counts the call, injects the fault that is due.
reprise_status Enter(reprise_ctx* ctx, unsigned kinds, const char* function) {
  ++ctx->ran.calls;
  if (ctx->crash_after >= 0 && ctx->ran.calls > ctx->crash_after) {
    return Refuse(ctx, Code::kCancelled, "the process is dead");
  }
  if (ctx->fail_call == ctx->ran.calls) return Refuse(ctx, Code::kUnavailable, "injected fault");
  if (ctx->finished)
    return Refuse(ctx, Code::kInvalid, std::string(function) + " after the outcome");
  if ((Bit(ctx->kind) & kinds) == 0) {
    return Refuse(ctx, Code::kInvalid,
                  std::string(function) + " is not offered in this call (plugin's fault)");
  }
  return {REPRISE_OK, {nullptr, 0}};
}

Fields Copy(const reprise_field* fields, std::size_t n) {
  Fields copy;
  for (std::size_t i = 0; i < n; ++i) {
    if (fields[i].value.type != REPRISE_NULL)
      copy.Set(FromAbi(fields[i].name), Value::Copy(fields[i].value));
  }
  return copy;
}

reprise_str Text(reprise_ctx* ctx, std::int32_t what) {
  switch (what) {
    case REPRISE_SAGA_ID:
      return detail::ToAbi(ctx->order.saga);
    case REPRISE_STEP:
      return ctx->action == nullptr ? reprise_str{nullptr, 0} : ctx->action->name;
    case REPRISE_KEY:
      return detail::ToAbi(ctx->key);
    case REPRISE_MEMO:
      return detail::ToAbi(ctx->order.memo);
    case REPRISE_IDEMPOTENCY_KEY:
      return detail::ToAbi(ctx->idempotency_key);
    case REPRISE_DO_KEY:
      return detail::ToAbi(ctx->do_key);
    case REPRISE_PAYLOAD:
      return detail::ToAbi(ctx->payload_json);
    case REPRISE_ROOT:
      return detail::ToAbi(ctx->root_json);
    case REPRISE_OTHERS:
      return detail::ToAbi(ctx->others);
    case REPRISE_BEARER:
      return detail::ToAbi(ctx->bearer);
    default:
      return {nullptr, 0};
  }
}

std::int64_t Number(const reprise_ctx* ctx, std::int32_t what) {
  switch (what) {
    case REPRISE_ATTEMPT:
      return ctx->order.attempt;
    case REPRISE_NOW:
      return ToMillis(ctx->now);
    case REPRISE_REMAINING:
      return ctx->remaining.count();
    case REPRISE_IS_CANCELLED:
      return ctx->cancelled ? 1 : 0;
    case REPRISE_LAST:
      return static_cast<std::int64_t>(ctx->order.last);
    case REPRISE_IS_UNDO:
      return ctx->kind == Kind::kUndo ? 1 : 0;
    default:
      return 0;
  }
}

reprise_status GetField(reprise_ctx* ctx, std::int32_t of, reprise_str name, reprise_value* out) {
  if (const reprise_status status = Enter(ctx, kSteps | kQuestion, "field");
      status.code != REPRISE_OK)
    return status;
  const Fields& fields = of == REPRISE_OF_ROOT ? ctx->order.root : ctx->order.payload;
  const Value* value = fields.Find(FromAbi(name));
  if (value == nullptr) return {REPRISE_NOT_FOUND, {nullptr, 0}};
  *out = value->abi();
  return {REPRISE_OK, {nullptr, 0}};
}

reprise_status Answered(reprise_ctx* ctx, const Result<std::int64_t>& result,
                        std::int64_t* affected) {
  if (result) {
    if (affected != nullptr) *affected = *result;
    return {REPRISE_OK, {nullptr, 0}};
  }
  if (result.error().code == Code::kConflict)
    return Refuse(ctx, Code::kConflict, result.error().message);
  return Lose(ctx, result.error().code, result.error().message);
}

RowFn Through(reprise_row_fn on_row, void* user) {
  if (on_row == nullptr) return {};
  return [on_row, user](std::span<const reprise_value> columns) {
    on_row(user, columns.data(), columns.size());
  };
}

reprise_status EnterSql(reprise_ctx* ctx, unsigned kinds, const char* function) {
  const reprise_status status = Enter(ctx, kinds, function);
  if (status.code != REPRISE_OK || !ctx->external) return status;
  return Refuse(ctx, Code::kInvalid,
                std::string(function) + " is not offered in an external action (plugin's fault)");
}

reprise_status Query(reprise_ctx* ctx, reprise_str sql, const reprise_value* args, std::size_t n,
                     reprise_row_fn on_row, void* user, std::int64_t* affected) {
  if (const reprise_status status = EnterSql(ctx, kAny, "query"); status.code != REPRISE_OK)
    return status;
  return Answered(ctx, ctx->database->Run(FromAbi(sql), {args, n}, Through(on_row, user)),
                  affected);
}

reprise_status QueryRows(reprise_ctx* ctx, reprise_str sql, const reprise_str* columns,
                         std::size_t n_columns, const reprise_value* cells, std::size_t n_rows,
                         reprise_row_fn on_row, void* user, std::int64_t* affected) {
  if (const reprise_status status = EnterSql(ctx, kAny, "query_rows"); status.code != REPRISE_OK)
    return status;
  return Answered(ctx,
                  ctx->database->RunRows(FromAbi(sql), {columns, n_columns},
                                         {cells, n_rows * n_columns}, Through(on_row, user)),
                  affected);
}

reprise_status Count(reprise_ctx* ctx, reprise_str counter, std::int64_t delta, std::int64_t floor,
                     std::int64_t* out) {
  if (const reprise_status status = Enter(ctx, kQuestion, "count"); status.code != REPRISE_OK)
    return status;
  std::int64_t& value = ctx->world->counters[std::string(FromAbi(counter))];
  *out = value = std::max(value + delta, floor);
  return {REPRISE_OK, {nullptr, 0}};
}

reprise_status Saga(reprise_ctx* ctx, reprise_str id, reprise_saga_view* out) {
  if (const reprise_status status = Enter(ctx, kQuestion, "saga"); status.code != REPRISE_OK)
    return status;
  const auto found = ctx->world->sagas.find(std::string(FromAbi(id)));
  if (found == ctx->world->sagas.end()) return Refuse(ctx, Code::kNotFound, "no such saga");
  out->state = detail::ToAbi(found->second.state);
  out->root = detail::ToAbi(found->second.root);
  return {REPRISE_OK, {nullptr, 0}};
}

const reprise_event_spec* FindEvent(const reprise_ctx* ctx, std::string_view name) {
  for (std::size_t i = 0; const reprise_event_spec* event = ctx->action->event_at(i); ++i) {
    if (FromAbi(event->name) == name) return event;
  }
  return nullptr;
}

/// Empty: the event may be emitted (by a timer) with these fields.
std::string Objection(const reprise_ctx* ctx, std::string_view name, bool timer,
                      const Fields& added) {
  const reprise_event_spec* const event = FindEvent(ctx, name);
  if (event == nullptr) return "event '" + std::string(name) + "' is not declared (plugin's fault)";
  if ((event->timer != 0) != timer) {
    return "event '" + std::string(name) + "' is " + (timer ? "not " : "") +
           "declared as a timer's (plugin's fault)";
  }
  const std::string mismatch = Mismatch(added, event->added);
  return mismatch.empty() ? mismatch
                          : "event '" + std::string(name) + "': " + mismatch + " (plugin's fault)";
}

reprise_status Emit(reprise_ctx* ctx, reprise_str event, const reprise_field* added,
                    std::size_t n) {
  if (const reprise_status status = Enter(ctx, kDo, "emit"); status.code != REPRISE_OK)
    return status;
  Fields fields = Copy(added, n);
  std::string objection = Objection(ctx, FromAbi(event), false, fields);
  if (!ctx->ran.event.empty()) objection = "a Do emits one event at most (plugin's fault)";
  if (!objection.empty()) return Lose(ctx, Code::kInvalid, objection);
  ctx->ran.event = FromAbi(event);
  ctx->ran.added = std::move(fields);
  return {REPRISE_OK, {nullptr, 0}};
}

reprise_status After(reprise_ctx* ctx, std::int64_t delay_ms, reprise_str event,
                     const reprise_field* added, std::size_t n) {
  if (const reprise_status status = Enter(ctx, kDo, "after"); status.code != REPRISE_OK)
    return status;
  Fields fields = Copy(added, n);
  const std::string name(FromAbi(event));
  if (const std::string objection = Objection(ctx, name, true, fields); !objection.empty()) {
    return Lose(ctx, Code::kInvalid, objection);
  }
  std::erase_if(ctx->ran.armed, [&](const Armed& armed) { return armed.event == name; });
  ctx->ran.armed.push_back({name, Millis(std::max<std::int64_t>(0, delay_ms)), std::move(fields)});
  return {REPRISE_OK, {nullptr, 0}};
}

reprise_status CancelAfter(reprise_ctx* ctx, reprise_str event) {
  if (const reprise_status status = Enter(ctx, kSteps, "cancel_after"); status.code != REPRISE_OK)
    return status;
  const std::string name(FromAbi(event));
  std::erase_if(ctx->ran.armed, [&](const Armed& armed) { return armed.event == name; });
  ctx->ran.disarmed.push_back(name);
  return {REPRISE_OK, {nullptr, 0}};
}

reprise_status SendRecord(reprise_ctx* ctx, reprise_str topic, reprise_str key, reprise_str bytes) {
  if (const reprise_status status = Enter(ctx, kSteps, "send"); status.code != REPRISE_OK)
    return status;
  if (topic.size == 0) return Lose(ctx, Code::kInvalid, "a topic without a name (plugin's fault)");
  ctx->ran.sent.push_back(
      {std::string(FromAbi(topic)), std::string(FromAbi(key)), std::string(FromAbi(bytes))});
  return {REPRISE_OK, {nullptr, 0}};
}

reprise_status Respond(reprise_ctx* ctx, std::int32_t http, const reprise_field* body,
                       std::size_t n) {
  if (const reprise_status status = Enter(ctx, Bit(Kind::kDo), "respond");
      status.code != REPRISE_OK)
    return status;
  if (ctx->ran.http != 0 || http < 200 || http > 299) {
    return Lose(ctx, Code::kInvalid,
                "respond: once, with a status from 200 to 299 (plugin's fault)");
  }
  ctx->ran.http = http;
  ctx->ran.response = Copy(body, n);
  return {REPRISE_OK, {nullptr, 0}};
}

reprise_status Hint(reprise_ctx* ctx, reprise_str channel) {
  if (const reprise_status status = Enter(ctx, kSteps, "hint"); status.code != REPRISE_OK)
    return status;
  ctx->ran.hints.emplace_back(FromAbi(channel));
  return {REPRISE_OK, {nullptr, 0}};
}

void Log(reprise_ctx* ctx, std::int32_t, reprise_str text) {
  ctx->ran.log.emplace_back(FromAbi(text));
}

void Metric(reprise_ctx* ctx, reprise_str name, std::int64_t delta) {
  ctx->ran.metrics[std::string(FromAbi(name))] += delta;
}

void Finish(reprise_ctx* ctx, const reprise_outcome* outcome) {
  if (ctx->finished) {
    ctx->lost = Error{Code::kInvalid, "two outcomes (plugin's fault)"};
    return;
  }
  ctx->finished = true;
  Ran& ran = ctx->ran;
  ran.verdict = static_cast<Outcome::Verdict>(outcome->verdict);
  ran.after = Millis(outcome->after_ms);
  ran.code = FromAbi(outcome->code);
  ran.detail = FromAbi(outcome->detail);
  ran.memo = FromAbi(outcome->memo);
}

void SetFound(reprise_ctx* ctx, std::int32_t what, reprise_str memo) {
  ctx->finished = true;
  ctx->ran.verdict = Outcome::kDone;
  ctx->ran.found = {static_cast<Found::What>(what), std::string(FromAbi(memo))};
}

void Blame(reprise_ctx* ctx, std::string detail) {
  ctx->asked = {};
  ctx->asked.code = "internal";
  ctx->asked.detail = std::move(detail) + " (plugin's fault)";
}

void Reply(reprise_ctx* ctx, const reprise_answer* answer) {
  Asked& asked = ctx->asked;
  asked.http = answer->http;
  asked.body = FromAbi(answer->body);
  if (asked.body.empty()) {
    asked.fields = Copy(answer->fields, answer->n_fields);
    asked.body = ToText(asked.fields);
  } else {
    asked.fields = FromText("{\"body\":" + asked.body + "}");  // or it is no JSON, which throws
    if (asked.body.starts_with('{')) asked.fields = FromText(asked.body);
  }
}

void SetAnswer(reprise_ctx* ctx, const reprise_answer* answer) {
  ctx->finished = true;
  Asked& asked = ctx->asked;
  asked.kind = static_cast<Answer::Kind>(answer->kind);
  try {
    if (asked.kind == Answer::kReply) Reply(ctx, answer);
  } catch (const std::exception& e) {
    Blame(ctx, std::string("the reply is no JSON: ") + e.what());
  }
  if (asked.kind == Answer::kAdd) {
    asked.fields = Copy(answer->fields, answer->n_fields);
    if (std::string mismatch = Mismatch(asked.fields, ctx->question->out); !mismatch.empty())
      Blame(ctx, mismatch);
  }
  if (asked.kind != Answer::kRefuse || !asked.code.empty()) return;
  asked.code = FromAbi(answer->code);
  asked.detail = FromAbi(answer->detail);
  for (std::size_t i = 0; const reprise_problem_spec* problem = ctx->question->error_at(i); ++i) {
    if (FromAbi(problem->code) == asked.code) asked.http = problem->http;
  }
}

}  // namespace

const reprise_host& HostTable() {
  static const reprise_host table{
      sizeof(reprise_host),
      &Text,
      &Number,
      &GetField,
      &Query,
      &QueryRows,
      &Count,
      &Saga,
      &Emit,
      &After,
      &CancelAfter,
      &SendRecord,
      &Respond,
      &Hint,
      &Log,
      &Metric,
      &Finish,
      &SetFound,
      &SetAnswer,
  };
  return table;
}

}  // namespace reprise::testkit
