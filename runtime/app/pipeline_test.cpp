#include "app/pipeline_test.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "app/count_rows.h"
#include "app/no_socket.h"

namespace reprise::runtime {
namespace {

/// One run of one case, with or without a crash.
class Play {
 public:
  Play(const TestFile& file, const TestCase& test, World& world)
      : file_(file), test_(test), world_(world) {}

  std::vector<std::string> Run() {
    if (test_.start) {
      auto saga = world_.Start(file_.name, test_.start->event, test_.start->root);
      if (!saga) return {saga.error().message};
      saga_ = *saga;
      CheckInvariants(test_.line);
    }
    for (const TestRequest& request : test_.requests) {
      Send(request);
      CheckInvariants(test_.line);
    }
    for (const TestAction& action : test_.then) {
      Act(action);
      CheckInvariants(action.line);
    }
    Expect(test_.expect, test_.line);
    return failures_;
  }

 private:
  template <class... Args>
  void Fail(int line, fmt::format_string<Args...> format, Args&&... args) {
    failures_.push_back(fmt::format("{}:{}: {}", file_.file, line,
                                    fmt::format(format, std::forward<Args>(args)...)));
  }

  std::string Fill(std::string text) const {
    for (const auto& [name, value] : saved_) {
      const std::string mark = "$" + name;
      for (std::size_t at = text.find(mark); at != std::string::npos;
           at = text.find(mark, at + value.size())) {
        text.replace(at, mark.size(), value);
      }
    }
    return text;
  }

  json::value Fill(const json::value& value) const {
    if (value.is_string()) return json::string(Fill(std::string(value.get_string())));
    if (value.is_object()) {
      json::object out;
      for (const auto& field : value.get_object()) out[field.key()] = Fill(field.value());
      return out;
    }
    if (value.is_array()) {
      json::array out;
      for (const json::value& item : value.get_array()) out.push_back(Fill(item));
      return out;
    }
    return value;
  }

  void Send(const TestRequest& wanted, int line = 0) {
    line = line == 0 ? test_.line : line;
    HttpRequest request;
    request.method = wanted.method;
    request.path = Fill(wanted.path);
    if (const std::size_t mark = request.path.find('?'); mark != std::string::npos) {
      std::string query = request.path.substr(mark + 1);
      const std::size_t equals = query.find('=');
      request.query.emplace_back(query.substr(0, equals),
                                 equals == std::string::npos ? "" : query.substr(equals + 1));
      request.path = request.path.substr(0, mark);
    }
    request.segments = SegmentsOf(request.path);
    if (wanted.method != "GET") {
      request.body = json::serialize(Fill(json::value(wanted.body)));
      request.headers.emplace_back("content-type", "application/json");
    }
    if (!wanted.bearer.empty())
      request.headers.emplace_back("authorization", "Bearer " + Fill(wanted.bearer));
    if (!wanted.idempotency_key.empty())
      request.headers.emplace_back("idempotency-key", Fill(wanted.idempotency_key));
    auto answer = world_.Request(request);
    if (!answer) return Fail(line, "{}", answer.error().message);
    if (wanted.status && *wanted.status != answer->status) {
      Fail(line, "{} {} answered {}, expected {}: {}", wanted.method, request.path, answer->status,
           *wanted.status, answer->body);
    }
    json::error_code error;
    const json::value parsed = json::parse(answer->body, error);
    const json::object body = !error && parsed.is_object() ? parsed.get_object() : json::object();
    for (const auto& field : wanted.reply) {
      const json::value* got = body.if_contains(field.key());
      const json::value want = Fill(field.value());
      if (!got || *got != want) {
        Fail(line, "{} {}: reply field '{}' is {}, expected {}", wanted.method, request.path,
             std::string(field.key()), got ? json::serialize(*got) : "absent",
             json::serialize(want));
      }
    }
    for (const auto& [name, field] : wanted.save) saved_[name] = Payload(body).Text(field);
  }

  /// The saga that expectations and verbs speak of: the started one, or the newest of the pipeline.
  std::optional<Uuid> SagaOf(const std::string& pipeline) const {
    if (saga_ && (pipeline.empty() || pipeline == file_.name)) return saga_;
    const std::string& name = pipeline.empty() ? file_.name : pipeline;
    std::optional<Uuid> found;
    for (const World::Seen& seen : world_.sagas()) {
      if (seen.pipeline == name) found = seen.saga;
    }
    return found;
  }

  void Act(const TestAction& action) {
    switch (action.kind) {
      case TestAction::kAdvance:
        if (Status status = world_.Advance(action.advance); !status)
          Fail(action.line, "{}", status.error().message);
        return;
      case TestAction::kRequest:
        return Send(action.request, action.line);
      case TestAction::kExpect:
        return Expect(action.expect, action.line);
      case TestAction::kSignal:
      case TestAction::kVerb: {
        Verb verb;
        const auto saga = SagaOf(action.verb.step.pipeline);
        if (!saga) return Fail(action.line, "no saga has begun");
        verb.saga = *saga;
        verb.who = "test";
        verb.what = action.kind == TestAction::kSignal ? "signal" : action.verb.what;
        verb.step = action.verb.step.step;
        verb.event = action.kind == TestAction::kSignal ? action.signal.name : action.verb.event;
        verb.fields = action.signal.fields;
        const std::string what = verb.what + (verb.event.empty() ? "" : " " + verb.event);
        const std::uint64_t crashes = world_.crashes();
        auto reply = world_.Do(std::move(verb));
        if (!reply) return Fail(action.line, "{}", reply.error().message);
        if (reply->code == action.verb.refused) return;
        // The process died before it could answer: what comes again finds it done.
        if (action.verb.refused.empty() && world_.crashes() > crashes) return;
        return Fail(action.line, "{} was {}, expected to be {}", what,
                    Taken(reply->code, reply->detail), Taken(action.verb.refused, ""));
      }
    }
  }

  static std::string Taken(const std::string& code, const std::string& detail) {
    if (code.empty()) return "taken";
    return "refused as '" + code + "'" + (detail.empty() ? "" : " (" + detail + ")");
  }

  void Expect(const TestExpect& expect, int line) {
    if (expect.saga) {
      const std::string got = SagaState(*expect.saga);
      if (got != *expect.saga) Fail(line, "the saga is {}, expected {}", got, *expect.saga);
    }
    for (const auto& [step, wanted] : expect.steps) {
      const std::string got = StateOf(step);
      const std::string name = (step.pipeline.empty() ? "" : step.pipeline + "/") + step.step;
      if (got != wanted) Fail(line, "step {} is {}, expected {}", name, got, wanted);
    }
    ExpectEvents(expect.events, line);
    for (const auto& [sql, wanted] : expect.rows) ExpectRows(sql, wanted, line);
    for (const auto& [user, wanted] : expect.pushes) ExpectPushes(user, wanted, line);
  }

  std::optional<SagaDetail> Show(const std::string& pipeline) {
    const auto saga = SagaOf(pipeline);
    if (!saga) return std::nullopt;
    auto detail = world_.journal().ShowSaga(*saga);
    return detail ? *detail : std::nullopt;
  }

  /// `held` and `retrying` are not states of the saga's row: one of its main steps is.
  std::string SagaState(const std::string& wanted) {
    const auto detail = Show("");
    if (!detail) return "none";
    const std::string state(Name(detail->saga.state));
    if (state != "running" || (wanted != "held" && wanted != "retrying")) return state;
    const PipelineRef plan = world_.assembly().PlanOf(detail->saga.plan);
    for (const StepRow& row : detail->steps) {
      if (plan && row.step < plan->main_count && Name(row.state) == wanted) return wanted;
    }
    return state;
  }

  std::string StateOf(const StepName& step) {
    const auto detail = Show(step.pipeline);
    if (!detail) return "none";
    const PipelineRef plan = world_.assembly().PlanOf(detail->saga.plan);
    const auto index = plan ? plan->Find(step.step) : std::nullopt;
    if (!index) return "unknown";
    for (const StepRow& row : detail->steps) {
      if (row.step == *index && row.state != StepState::kWaiting)
        return std::string(Name(row.state));
    }
    return Ended(detail->saga.state) ? "skipped" : "waiting";
  }

  void ExpectEvents(const std::vector<std::string>& wanted, int line) {
    const auto saga = SagaOf("");
    std::size_t next = 0;
    std::string seen;
    for (const World::Seen& event : world_.events()) {
      if (!saga || event.saga != *saga) continue;
      seen += (seen.empty() ? "" : ", ") + event.event;
      if (next < wanted.size() && event.event == wanted[next]) ++next;
    }
    if (next < wanted.size())
      Fail(line, "event {} did not come in that order; seen: {}", wanted[next], seen);
  }

  bool AllEnded() {
    for (const World::Seen& seen : world_.sagas()) {
      auto detail = world_.journal().ShowSaga(seen.saga);
      if (detail && *detail && !Ended((*detail)->saga.state)) return false;
    }
    return true;
  }

  /// Those of every pipeline, for they share their tables.
  void CheckInvariants(int line) {
    for (const PipelineRef& pipeline : world_.assembly().loaded().pipelines) {
      for (const Invariant& invariant : pipeline->invariants) {
        if (invariant.when == "ended" && !AllEnded()) continue;
        const auto rows = CountRows(world_.journal(), invariant.sql, world_.clock().Now());
        if (!rows) Fail(line, "invariant '{}': {}", invariant.name, rows.error().message);
        if (rows && *rows > 0)
          Fail(line, "invariant '{}' is broken by {} rows", invariant.name, *rows);
      }
    }
  }

  void ExpectRows(const std::string& sql, const json::array& wanted, int line) {
    json::array got;
    const auto row = [&](std::span<const SqlValue> columns) {
      json::array cells;
      for (const SqlValue& cell : columns) {
        if (cell.type == SqlValue::kNull) cells.emplace_back(nullptr);
        if (cell.type == SqlValue::kInteger) cells.emplace_back(cell.integer);
        if (cell.type == SqlValue::kReal) cells.emplace_back(cell.real);
        if (cell.type == SqlValue::kText || cell.type == SqlValue::kBlob)
          cells.emplace_back(cell.text);
      }
      got.push_back(std::move(cells));
    };
    auto ran = world_.journal().reads().Run(Fill(sql), {}, row);
    if (!ran) return Fail(line, "{}: {}", sql, ran.error().message);
    const json::value want = Fill(json::value(wanted));
    if (json::value(got) != want)
      Fail(line, "{}: {}, expected {}", sql, json::serialize(got), json::serialize(want));
  }

  /// What a stream's question answers for this user: pushes as a customer would get them.
  void ExpectPushes(const std::string& user, const std::vector<std::string>& wanted, int line) {
    for (const PipelineRef& pipeline : world_.assembly().loaded().pipelines) {
      for (const Route& route : pipeline->routes) {
        if (route.kind == RouteKind::kStream)
          return ExpectStream(route, pipeline->name, user, wanted, line);
      }
    }
    Fail(line, "pushes are expected, but no pipeline has a `stream:` route");
  }

  void ExpectStream(const Route& route, const std::string& pipeline, const std::string& user,
                    const std::vector<std::string>& wanted, int line) {
    Plugins& plugins = world_.assembly().plugins();
    const QuestionInfo* info =
        plugins.catalog().at(route.ask.plugin).FindQuestion(route.ask.question);
    json::object fields{{"after", ""}};
    for (const FieldInfo& field : info->in) {
      if (field.name != "after" && !field.optional) fields[field.name] = Fill(user);
    }
    const Payload payload(fields);
    Asked asked;
    asked.fields = &payload;
    asked.now = world_.clock().Now();
    asked.deadline = asked.now + Millis(30'000);
    asked.sql = &world_.journal().reads();
    asked.journal = &world_.journal();
    asked.pipeline = pipeline;
    plugins.Ask(route.ask, asked);
    json::error_code error;
    const json::value body =
        asked.body.empty() ? json::value(asked.fields_out) : json::parse(asked.body, error);
    const json::value* events =
        !error && body.is_object() ? body.get_object().if_contains("events") : nullptr;
    std::size_t next = 0;
    std::string seen;
    for (const json::value& event :
         events && events->is_array() ? events->get_array() : json::array()) {
      const std::string name = Payload(event.get_object()).Text("event");
      seen += (seen.empty() ? "" : ", ") + name;
      if (next < wanted.size() && name == wanted[next]) ++next;
    }
    if (wanted.empty() && !seen.empty())
      Fail(line, "{} got pushes although none is expected: {}", user, seen);
    if (next < wanted.size())
      Fail(line, "{} did not get {} in that order; got: {}", user, wanted[next],
           seen.empty() ? "nothing" : seen);
  }

  const TestFile& file_;
  const TestCase& test_;
  World& world_;
  std::optional<Uuid> saga_;
  std::map<std::string, std::string> saved_;
  std::vector<std::string> failures_;
};

std::vector<Fault> FaultsOf(const TestFile& file, const TestCase& test) {
  std::vector<Fault> faults;
  for (const TestFault& wanted : test.faults) {
    Fault fault;
    fault.pipeline = wanted.step.pipeline.empty() ? file.name : wanted.step.pipeline;
    fault.step = wanted.step.step;
    fault.phase = wanted.undo ? Phase::kUndo : Phase::kDo;
    fault.kind = wanted.kind == TestFault::kFail    ? Fault::kFail
                 : wanted.kind == TestFault::kRetry ? Fault::kRetry
                 : wanted.kind == TestFault::kCrash ? Fault::kCrash
                                                    : Fault::kUnknown;
    fault.times =
        wanted.kind == TestFault::kRetry || wanted.kind == TestFault::kCrash ? wanted.times : -1;
    faults.push_back(std::move(fault));
  }
  return faults;
}

}  // namespace

namespace {

/// Every commit; on servers, where a start takes as long as a case, some that are spread over it.
std::vector<std::uint64_t> CrashPoints(std::uint64_t commits, bool servers) {
  constexpr std::uint64_t kOnServers = 3;
  const std::uint64_t count = servers ? std::min(kOnServers, commits) : commits;
  std::vector<std::uint64_t> out;
  for (std::uint64_t i = 1; i <= count; ++i) out.push_back(1 + (i * commits - 1) / (count + 1));
  if (count == commits) std::iota(out.begin(), out.end(), 1);
  return out;
}

}  // namespace

CaseResult RunCase(const TestFile& file, const TestCase& test, World::Setup setup) {
  CaseResult result{file.name, test.name, file.file, test.line, 0, {}};
  setup.faults = FaultsOf(file, test);
  setup.hop_commits = test.crash_every_commit;
  std::uint64_t commits = 0;
  const auto run = [&](std::uint64_t crash_at) {
    auto world = World::Make(setup);
    if (!world) {
      result.failures.push_back(world.error().message);
      return;
    }
    (*world)->CrashAt(crash_at);
    for (std::string& failure : Play(file, test, **world).Run()) {
      if (crash_at > 0) failure += fmt::format("  (after a crash at commit {})", crash_at);
      result.failures.push_back(std::move(failure));
    }
    commits = (*world)->commits();
    ++result.runs;
  };
  run(0);
  if (!test.crash_every_commit || !result.failures.empty()) return result;
  const std::uint64_t points = commits;
  for (const std::uint64_t at : CrashPoints(points, setup.servers != nullptr)) {
    if (result.failures.empty()) run(at);
  }
  return result;
}

}  // namespace reprise::runtime
