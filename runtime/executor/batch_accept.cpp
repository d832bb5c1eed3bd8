/// Requests and starts become sagas.
#include "base/log.h"
#include "executor/batch.h"
#include "model/input.h"

namespace reprise::runtime {
namespace {

/// "/orders/{orderId}" with the fields of the root payload.
std::string Expand(const std::string& text, const Payload& root) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t end = text[i] == '{' ? text.find('}', i) : std::string::npos;
    if (end == std::string::npos) {
      out += text[i];
    } else {
      out += root.Text(std::string_view(text).substr(i + 1, end - i - 1));
      i = end;
    }
  }
  return out;
}

constexpr int kInlineTries = 2;

}  // namespace

Saga Batch::NewSaga(const Plan& plan, const Uuid& id, Payload root) const {
  Saga saga;
  saga.id = id;
  saga.pipeline = plan.pipeline->name;
  saga.plan = plan.pipeline->hash;
  saga.root = std::move(root);
  saga.created = saga.changed = now_;
  if (!plan.pipeline->subject.empty()) saga.subject = saga.root.Text(plan.pipeline->subject);
  return saga;
}

/// Inserts the saga and lets it begin with `event` (empty: with nothing, for inline runs).
Batch::Ran Batch::Create(const Plan& plan, const Saga& saga, const std::string& event,
                         bool* created) {
  auto fresh = tx_.Create(std::span(&saga, 1));
  if (!fresh) return Fail(fresh.error());
  *created = fresh->front();
  if (*created) Begin(plan, saga, event);
  return Ran::kOk;
}

void Batch::Begin(const Plan& plan, const Saga& saga, const std::string& event) {
  if (plan.pipeline->timeout) {
    Due timeout = DueOf(plan, 0, saga, DueKind::kTimeout, now_ + *plan.pipeline->timeout);
    timeout.step = kMaxMainSteps;
    armed_.push_back(std::move(timeout));
  }
  Tell(saga.id, plan, "", "started", saga.subject);
  Happened happened;
  happened.plan = &plan;
  happened.saga = saga.id;
  happened.payload = saga.root;
  happened.root = saga.root;
  happened.fact.kind = Fact::Kind::kBegan;
  happened.fact.event = event;
  happened.fact.delta = event.empty() ? 1 : 0;
  happened.fact.now = now_;
  happened.trace = trace_;
  happened_.push_back(std::move(happened));
}

void Batch::ReplyLater(const Admitted& admitted, Reply reply) {
  std::vector<std::function<void(Reply)>> all = admitted.twins;
  all.push_back(admitted.request.reply);
  after_.replies.push_back([all = std::move(all), reply = std::move(reply)] {
    for (const auto& answer : all) answer(reply);
  });
}

/// The end of every accepted request: its answer is kept under its key, and given after the commit.
Batch::Ran Batch::Accepted(const Admitted& admitted, const Saga& saga, Reply reply) {
  const Request& request = admitted.request;
  reply.location = Expand(request.route->location, saga.root);
  if (admitted.idempotent) {
    const IdempotencyRow row{
        request.route->name(), admitted.caller, request.idempotency_key, request.body_hash, saga.id,
        reply.status,          reply.body,      reply.location};
    if (!Check(tx_.PutIdempotency(row))) return Ran::kFailed;
  }
  ReplyLater(admitted, std::move(reply));
  return Ran::kOk;
}

Batch::Ran Batch::Accept(const Admitted& admitted) {
  const Request& request = admitted.request;
  trace_ = request.trace;
  if (request.route->kind == RouteKind::kSignal) return AcceptSignal(admitted);
  if (request.route->kind == RouteKind::kRun) return AcceptRun(admitted);
  const Plan& plan = *x_.plans_.Find(request.pipeline->hash);
  const Uuid id = x_.ids_.Next(now_);
  json::object fields = admitted.fields.object();
  if (!request.route->id.empty()) fields[request.route->id] = id.ToString();
  const Saga saga = NewSaga(plan, id, Payload(std::move(fields)));
  if (saga.root.Serialize().size() > kRootBytesMax) {
    ReplyLater(admitted, Refused(413, "payload_too_large", "the payload would pass 512 KiB"));
    return Ran::kOk;
  }
  bool created = false;
  if (const Ran ran = Create(plan, saga, request.route->start, &created); ran != Ran::kOk)
    return ran;
  json::object body;
  if (!request.route->id.empty()) body[request.route->id] = id.ToString();
  body["sagaId"] = id.ToString();
  for (const auto& field : request.route->reply) body[field.key()] = field.value();
  Reply reply;
  reply.status = 202;
  reply.body = json::serialize(body);
  return Accepted(admitted, saga, std::move(reply));
}

/// Runs a route's inline steps, in order, each with the payload of the one before.  The reply's
/// code is empty if all are done.
Reply Batch::Inline(const Admitted& admitted, const Plan& plan, int tries, Saga& saga,
                    std::vector<Attempt>& done) {
  Reply reply;
  for (StepIndex index : admitted.request.route->run) {
    Attempt attempt;
    attempt.plan = &plan;
    attempt.step = index;
    attempt.row.saga = saga.id;
    attempt.row.step = index;
    attempt.row.began = now_;
    attempt.row.attempt = static_cast<std::uint32_t>(tries - 1);
    attempt.row.do_id = Derived(saga.id, {"inline", plan.step(index).name});
    attempt.payload = saga.root;
    attempt.root = saga.root;
    attempt.key = KeyOf(plan, index, saga.root, saga.id);
    attempt.lane = LaneOf(plan, index, saga.root, saga.id);
    attempt.trace = admitted.request.trace;
    Prepare(attempt);
    const Step& inlined = attempt.spec();
    FlightRecorder* const recorder = x_.options_.flight;
    const Flight flight = recorder ? runtime::FlightOf(admitted.request, inlined.name) : Flight{};
    if (recorder && recorder->Crashes(flight) >= FlightRecorder::kCrashesMax) {
      return Refused(500, "crashed",
                     "the process ended each time when plugin " + inlined.plugin +
                         " had this request (plugin's fault)");
    }
    if (!Faulted(attempt)) {
      const Aboard aboard(recorder, flight, inlined.plugin, inlined.action,
                          WithGrace(inlined.timeout));
      attempt.bound().action->Run(attempt.call);
    }
    Call& call = attempt.call;
    if (call.outcome.verdict != Verdict::kDone) {
      const bool final = call.outcome.verdict == Verdict::kFail;
      attempt.bound().failed->Add(1);
      if (!final) {
        reply = Refused(503, "try_again", call.outcome.detail);
        reply.retry_after_s = 1;
        return reply;
      }
      const Step& step = attempt.spec();
      return Refused(x_.plans_.HttpOf(step.plugin, step.action, call.outcome.code),
                     call.outcome.code, call.outcome.detail);
    }
    Rule(attempt);
    if (!call.emitted.empty()) saga.root = saga.root.With(call.emitted[0].added);
    if (call.response) {
      reply.status = call.response->first;
      reply.body = call.response->second;
    }
    done.push_back(std::move(attempt));
  }
  return reply;
}

Batch::Ran Batch::AcceptRun(const Admitted& admitted) {
  const Request& request = admitted.request;
  const Plan& plan = *x_.plans_.Find(request.pipeline->hash);
  const Uuid id = x_.ids_.Next(now_);
  json::object fields = admitted.fields.object();
  if (!request.route->id.empty()) fields[request.route->id] = id.ToString();
  const Saga before = NewSaga(plan, id, Payload(std::move(fields)));
  const BoundStep& first = plan.steps[request.route->run.front()];
  const bool savepoint = careful_ || first.careful > 0;

  Saga saga;
  Reply reply;
  std::vector<Attempt> done;
  for (int tries = 1; tries <= kInlineTries; ++tries) {
    saga = before;
    done.clear();
    if (savepoint && !Check(tx_.Savepoint(true))) return Ran::kFailed;
    tx_.ResetWrote();
    reply = Inline(admitted, plan, tries, saga, done);
    if (crashed_) return Ran::kFailed;
    if (const auto lost = tx_.lost()) return Fail(*lost);
    const bool good = reply.code.empty();
    if (!savepoint && (tx_.spoiled() || (!good && tx_.wrote()))) {
      first.careful = 64;
      return Ran::kRerun;
    }
    if (savepoint) {
      if (first.careful > 0) --first.careful;
      if (!Check(good ? tx_.ReleaseSavepoint() : tx_.RollbackToSavepoint())) return Ran::kFailed;
    }
    if (reply.status != 503) break;
  }
  if (!reply.code.empty()) {
    ReplyLater(admitted, std::move(reply));
    return Ran::kOk;
  }
  if (!plan.pipeline->subject.empty()) saga.subject = saga.root.Text(plan.pipeline->subject);
  bool created = false;
  if (const Ran ran = Create(plan, saga, "", &created); ran != Ran::kOk) return ran;
  for (Attempt& attempt : done) {
    attempt.row.added = attempt.payload.Since(saga.root);
    attempt.payload = saga.root;
    attempt.root = saga.root;
    if (const Ran ran = Conclude(attempt); ran != Ran::kOk) return ran;
  }
  Attempt whole;  // the run itself counted as open until all its steps were told
  whole.plan = &plan;
  whole.step = request.route->run.front();
  whole.row.saga = id;
  Fact over;
  over.step = whole.step;
  over.delta = -1;
  Happen(whole, std::move(over));
  if (reply.body.empty()) {
    json::object body{{"sagaId", id.ToString()}};
    if (!request.route->id.empty()) body[request.route->id] = id.ToString();
    reply.body = json::serialize(body);
  }
  return Accepted(admitted, saga, std::move(reply));
}

Batch::Ran Batch::AcceptSignal(const Admitted& admitted) {
  const Request& request = admitted.request;
  const auto id = Uuid::Parse(admitted.fields.Text("id"));
  auto sagas = id ? tx_.Lock(std::span(&*id, 1)) : Result<std::vector<Saga>>(std::vector<Saga>{});
  if (!sagas) return Fail(sagas.error());
  Reply reply;
  if (sagas->empty() || sagas->front().pipeline != request.pipeline->name) {
    reply = Refused(404, "saga.unknown", "no saga of this pipeline has this id");
  } else {
    const Plan* plan = x_.plans_.Find(sagas->front().plan);
    json::object fields = admitted.fields.object();
    fields.erase("id");
    if (!plan) {
      reply = Refused(503, "plan.unavailable", "the plan of this saga is not loaded");
    } else if (const Ran ran = Signal(*plan, sagas->front(), request.route->signal, fields, reply);
               ran != Ran::kOk) {
      return ran;
    }
  }
  ReplyLater(admitted, std::move(reply));
  return Ran::kOk;
}

/// All at once: a journal far away is asked one time which of them it knows.
Batch::Ran Batch::AcceptStarts(std::span<const Start> starts) {
  if (starts.empty()) return Ran::kOk;
  std::vector<Saga> sagas;
  sagas.reserve(starts.size());
  for (const Start& start : starts) {
    const Uuid id = start.id.nil() ? x_.ids_.Next(now_) : start.id;
    sagas.push_back(NewSaga(*x_.plans_.Find(start.pipeline->hash), id, start.root));
  }
  const auto fresh = tx_.Create(sagas);
  if (!fresh) return Fail(fresh.error());
  trace_.clear();
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const bool created = (*fresh)[i];
    if (created) Begin(*x_.plans_.Find(sagas[i].plan), sagas[i], starts[i].event);
    if (!starts[i].done) continue;
    after_.replies.push_back([done = starts[i].done, created] { done(created); });
  }
  return Ran::kOk;
}

}  // namespace reprise::runtime
