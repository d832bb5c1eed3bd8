#include "executor/door.h"

#include "base/log.h"

namespace reprise::runtime {
namespace {

constexpr Millis kAnswerWithin{30'000};

}  // namespace

Asked Door::Ask(const QuestionRef& question, const Request& request, const Payload& fields) {
  Asked asked;
  asked.fields = &fields;
  asked.bearer = request.bearer;
  asked.now = now_;
  asked.deadline = now_ + request.route->deadline.value_or(kAnswerWithin);
  asked.sql = &x_.journal_.reads();
  asked.journal = &x_.journal_;
  asked.pipeline = request.pipeline->name;
  FlightRecorder* const recorder = x_.options_.flight;
  if (!recorder) {
    x_.plugins_.Ask(question, asked);
    return asked;
  }
  const std::string name = question.name();
  const Flight flight = FlightOf(request, name);
  if (recorder->Crashes(flight) >= FlightRecorder::kCrashesMax) {
    asked.code = "crashed";
    asked.detail = "the process ended each time when " + name + " was asked this (plugin's fault)";
    return asked;
  }
  {
    const Aboard aboard(recorder, flight, question.plugin, question.question,
                        WithGrace(request.route->deadline.value_or(kAnswerWithin)));
    x_.plugins_.Ask(question, asked);
  }
  recorder->Landed();
  return asked;
}

Reply Door::Refusal(const QuestionRef& question, const Asked& asked) const {
  if (asked.kind != Asked::kRefuse) {
    return Refused(500, asked.code.empty() ? "internal" : asked.code, asked.detail);
  }
  return Refused(x_.plans_.HttpOf(question.plugin, question.question, asked.code), asked.code,
                 asked.detail);
}

std::optional<Reply> Door::Check(const Request& request, std::size_t first, std::size_t last,
                                 json::object& fields) {
  for (std::size_t i = first; i < last; ++i) {
    const QuestionRef& question = request.route->check[i];
    Asked asked = Ask(question, request, Payload(fields));
    if (asked.kind != Asked::kAdd) return Refusal(question, asked);
    for (auto& [name, value] : asked.fields_out) {
      if (request.fields.contains(name)) {
        return Refused(500, "internal",
                       question.name() + " set the field '" + std::string(name) +
                           "', which the request names (plugin's fault)");
      }
      fields[name] = std::move(value);
    }
  }
  return std::nullopt;
}

std::optional<Reply> Door::FindTwin(Admitted& admitted, Work& work, bool& joined) {
  const Request& request = admitted.request;
  for (Admitted& other : work.admitted) {
    if (!other.idempotent || other.request.route != request.route ||
        other.caller != admitted.caller ||
        other.request.idempotency_key != request.idempotency_key) {
      continue;
    }
    if (other.request.body_hash != request.body_hash) {
      return Refused(422, "idempotency_key.reused",
                     "this Idempotency-Key came before with another body");
    }
    other.twins.push_back(admitted.request.reply);
    joined = true;
    return std::nullopt;
  }
  auto row =
      x_.journal_.FindIdempotency(request.route->name(), admitted.caller, request.idempotency_key);
  if (!row) return Refused(503, "unavailable", row.error().message);
  if (!*row) return std::nullopt;
  if ((*row)->body_hash != request.body_hash) {
    return Refused(422, "idempotency_key.reused",
                   "this Idempotency-Key came before with another body");
  }
  if ((*row)->status == 0)
    return Refused(409, "idempotency_key.running", "the first request with this key is running");
  Reply reply;
  reply.status = (*row)->status;
  reply.body = (*row)->answer;
  reply.location = (*row)->headers;
  reply.replayed = true;
  return reply;
}

void Door::Enter(Request request, Work& work) {
  const Route& route = *request.route;
  json::object fields = request.fields;
  const std::size_t checks = route.check.size();
  if (auto refused = Check(request, 0, std::min<std::size_t>(1, checks), fields))
    return request.reply(*refused);

  Admitted admitted;
  admitted.idempotent = !request.idempotency_key.empty() && route.kind != RouteKind::kAsk;
  if (admitted.idempotent) {
    admitted.caller = json::serialize(Payload(fields).Since(Payload(request.fields)));
    admitted.request = request;
    bool joined = false;
    if (auto reply = FindTwin(admitted, work, joined)) return request.reply(*reply);
    if (joined) return;
  }
  if (auto refused = Check(request, std::min<std::size_t>(1, checks), checks, fields))
    return request.reply(*refused);
  if (route.kind == RouteKind::kAsk) return Answer(request, fields);
  admitted.request = std::move(request);
  admitted.fields = Payload(std::move(fields));
  work.admitted.push_back(std::move(admitted));
}

void Door::Answer(Request& request, const json::object& fields) {
  const Route& route = *request.route;
  Asked asked = Ask(route.ask, request, Payload(fields));
  if (asked.kind != Asked::kReply) return request.reply(Refusal(route.ask, asked));
  Reply reply;
  reply.status = asked.status;
  reply.body = asked.body.empty() ? json::serialize(asked.fields_out) : asked.body;
  if (!route.tell.empty()) {
    json::object told = asked.fields_out;
    const auto plugin = x_.plugins_.catalog().find(route.ask.plugin);
    if (plugin != x_.plugins_.catalog().end()) {
      const QuestionInfo* info = plugin->second.FindQuestion(route.ask.question);
      for (const FieldInfo& field : info ? info->out : std::vector<FieldInfo>{}) {
        if (field.secret) told.erase(field.name);
      }
    }
    const Payload payload(std::move(told));
    const Pipeline& pipeline = *request.pipeline;
    const auto add = [&](StepIndex side) {
      if (x_.tells_.size() >= 10'000)
        return x_.metrics_.Count("reprise_tells_dropped_total", {{"pipeline", pipeline.name}});
      Message message;
      message.id = x_.ids_.Next(now_);
      message.pipeline = pipeline.name;
      message.plan = pipeline.hash;
      message.step = side;
      message.event = route.tell;
      message.payload = payload;
      message.key = pipeline.step(side).key_field.empty()
                        ? message.id.ToString()
                        : payload.Text(pipeline.step(side).key_field);
      message.at = now_;
      message.trace = HopTrace(request.trace, {}, message.id);
      if (x_.tells_.empty()) x_.tells_since_ = now_;
      x_.tells_.push_back(std::move(message));
    };
    const auto listeners = pipeline.listeners.find(route.tell);
    if (listeners != pipeline.listeners.end()) {
      for (StepIndex side : listeners->second) add(side);
    }
    for (StepIndex side : pipeline.listen_to_all) add(side);
  }
  request.reply(std::move(reply));
}

void Door::AskStream(const Request& request, const std::string& after,
                     const std::function<void(Reply refused, StreamBatch batch)>& answer) {
  json::object fields = request.fields;
  const Route& route = *request.route;
  if (!request.checked) {  // a one-use ticket is taken once, not at every look
    if (auto refused = Check(request, 0, route.check.size(), fields)) return answer(*refused, {});
  }
  StreamBatch batch;
  batch.fields = fields;
  fields["after"] = after;
  Asked asked = Ask(route.ask, request, Payload(std::move(fields)));
  if (asked.kind != Asked::kReply) return answer(Refusal(route.ask, asked), {});
  json::error_code error;
  const json::value body =
      asked.body.empty() ? json::value(asked.fields_out) : json::parse(asked.body, error);
  const auto text = [](const json::object& o, std::string_view name) {
    const json::value* v = o.if_contains(name);
    if (!v) return std::string();
    return v->is_string() ? std::string(v->get_string()) : json::serialize(*v);
  };
  if (error || !body.is_object()) {
    return answer(Refused(500, "internal",
                          route.ask.name() + " did not reply a stream batch (plugin's fault)"),
                  {});
  }
  const json::object& object = body.get_object();
  batch.channel = text(object, "channel");
  if (const json::value* reset = object.if_contains("reset"))
    batch.reset = reset->is_bool() && reset->get_bool();
  if (const json::value* events = object.if_contains("events"); events && events->is_array()) {
    for (const json::value& event : events->get_array()) {
      if (!event.is_object()) continue;
      batch.events.push_back({text(event.get_object(), "id"), text(event.get_object(), "event"),
                              text(event.get_object(), "data")});
    }
  }
  answer({}, std::move(batch));
}

}  // namespace reprise::runtime
