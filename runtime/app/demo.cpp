/// `reprise demo [PATH] [--once]`: a folder's demo.yaml, played on a runtime of its own.
#include <chrono>
#include <filesystem>
#include <thread>

#include <fmt/format.h>

#include "app/commands.h"
#include "app/demo_script.h"
#include "app/http_client.h"
#include "app/serving.h"
#include "app/stand_in.h"
#include "app/temporary_folder.h"
#include "base/log.h"

namespace reprise::runtime {
namespace {

using Steady = std::chrono::steady_clock;

/// One line of a saga's life.
void PrintLine(const Executor::Line& line) {
  if (line.what == "event") return;
  static const std::map<std::string, const char*, std::less<>> kMarks = {
      {"do", "✓"},        {"undo", "↶"},    {"failed", "✗"},    {"retry", "↻"},
      {"held", "✋"},      {"stuck", "✋"},   {"timer", "⏲"},     {"kept", "="},
      {"cancelled", "–"}, {"started", "▷"}, {"done", "■ done"}, {"undone", "■ undone"}};
  const auto mark = kMarks.find(line.what);
  const std::string at = Rfc3339(line.at).substr(11, 12);
  const bool begins = line.what == "started";
  fmt::print("  {} {} {:<12} {} {}{}{}\n", at, line.saga.ToString().substr(0, 13), line.pipeline,
             mark == kMarks.end() ? line.what : std::string(mark->second),
             begins ? "begins" : line.step, line.detail.empty() || begins ? "" : "  ",
             begins ? "" : line.detail);
  std::fflush(stdout);
}

class Demo {
 public:
  Demo(DemoScript script, Assembly& assembly, std::string server,
       std::map<std::string, std::string> stand_ins)
      : script_(std::move(script)),
        x_(assembly),
        server_(std::move(server)),
        stand_ins_(std::move(stand_ins)) {}

  /// False if something was not as the script expects; says what.
  bool Play() {
    for (const DemoItem& item : script_.script) {
      const std::string wrong = Step(item);
      if (wrong.empty()) continue;
      fmt::print(stderr, "{}:{}: {}\n", script_.file, item.line, wrong);
      return false;
    }
    return true;
  }

  std::string Fill(std::string text) const {
    // The longest name first, so that $r10 is not $r1 and a 0.
    for (auto it = saved_.rbegin(); it != saved_.rend(); ++it) {
      const std::string mark = "$" + it->first;
      for (std::size_t at = text.find(mark); at != std::string::npos;
           at = text.find(mark, at + it->second.size())) {
        text.replace(at, mark.size(), it->second);
      }
    }
    return text;
  }

 private:
  std::string Step(const DemoItem& item) {
    if (item.kind == "say") {
      fmt::print("\n{}\n", Fill(item.text));
      return "";
    }
    if (item.kind == "request") return Request(item);
    if (item.kind == "until") return Within(item, [&] { return Has(item); });
    if (item.kind == "saga") return Within(item, [&] { return SagaIs(item); });
    if (item.kind == "pushes") return Within(item, [&] { return Pushed(item); });
    if (item.kind == "received") return Within(item, [&] { return Received(item); });
    if (item.kind == "clock") {
      if (auto* clock = dynamic_cast<SystemClock*>(&x_.clock()))
        clock->SetSpeed(std::atof(item.text.c_str()));
      x_.executor().Read([](Journal&) {});  // wakes it: what was far away may be near now
      return "";
    }
    if (item.kind == "faults") {
      x_.executor().Read([this](Journal&) { x_.executor().ClearFaults(); });
      return "";
    }
    return AddFault(item);
  }

  std::string AddFault(const DemoItem& item) {
    for (const auto& [where, what] : item.fields) {
      auto fault = ParseFault(where + "=" + what);
      if (!fault) return fault.error().message;
      for (const auto& [field, value] : item.where) {
        fault->saga_field = field;
        fault->saga_value = Fill(value);
      }
      x_.executor().Read([this, fault = *fault](Journal&) { x_.executor().AddFault(fault); });
    }
    return "";
  }

  HttpCall Call(const DemoItem& item) const {
    HttpCall call;
    call.method = item.method.empty() ? "GET" : item.method;
    call.url = server_ + Fill(item.path);
    call.bearer = Fill(item.bearer);
    call.idempotency_key = Fill(item.key);
    call.body = Fill(item.body);
    call.content_type = "application/json";
    return call;
  }

  static Payload BodyOf(const HttpAnswer& answer) {
    auto payload = Payload::Parse(answer.body);
    return payload ? *payload : Payload();
  }

  static std::string Short(const std::string& text) {
    return text.size() > 110 ? text.substr(0, 107) + "..." : text;
  }

  std::string Request(const DemoItem& item) {
    const HttpCall call = Call(item);
    // Before the answer: what the request sets going is printed as it happens.
    fmt::print("  {} {} {}\n", item.method, Fill(item.path), Short(call.body));
    std::fflush(stdout);
    const auto answer = Fetch(call);
    if (!answer) return answer.error().message;
    fmt::print("  -> {} {}\n", answer->status, Short(answer->body));
    std::fflush(stdout);
    if (item.status != 0 && answer->status != item.status) {
      return fmt::format("answered {}, expected {}: {}", answer->status, item.status, answer->body);
    }
    const Payload body = BodyOf(*answer);
    for (const auto& [name, field] : item.fields) saved_[name] = body.Text(field);
    return "";
  }

  /// Tries until it is so; answers what is wrong when the time is over.
  std::string Within(const DemoItem& item, const std::function<std::string()>& look) {
    const auto deadline = Steady::now() + item.within;
    for (;;) {
      std::string wrong = look();
      if (wrong.empty() || Steady::now() > deadline) return wrong;
      std::this_thread::sleep_for(Millis(50));
    }
  }

  std::string Has(const DemoItem& item) {
    const auto answer = Fetch(Call(item));
    if (!answer) return answer.error().message;
    const Payload body = BodyOf(*answer);
    for (const auto& [field, value] : item.fields) {
      if (body.Text(field) != Fill(value))
        return field + " is not " + Fill(value) + ": " + answer->body;
    }
    return "";
  }

  std::string SagaIs(const DemoItem& item) {
    HttpCall call;
    call.url = server_ + "/api/v1/sagas/" + Fill(item.id);
    const auto answer = Fetch(call);
    if (!answer) return answer.error().message;
    const std::string state = BodyOf(*answer).Text("state");
    return state == item.state
               ? ""
               : "saga " + Fill(item.id) + " is " + state + ", expected " + item.state;
  }

  std::string Pushed(const DemoItem& item) {
    HttpCall call = Call(item);
    call.patience = Millis(400);
    call.keep_partial = true;
    const auto answer = Fetch(call);
    if (!answer) return answer.error().message;
    std::size_t at = 0;
    for (const std::string& event : item.list) {
      at = answer->body.find("event: " + event + "\n", at);
      if (at == std::string::npos)
        return "the stream did not bring " + event + " in that order:\n" + answer->body;
      ++at;
    }
    std::string all;
    for (const std::string& event : item.list) all += " " + event;
    fmt::print("  pushed:{}\n", all);
    return "";
  }

  std::string Received(const DemoItem& item) {
    const auto stand_in = stand_ins_.find(item.by);
    if (stand_in == stand_ins_.end()) return "there is no stand-in '" + item.by + "'";
    HttpCall call;
    call.url = stand_in->second + "/received";
    const auto answer = Fetch(call);
    if (!answer) return answer.error().message;
    if (answer->body.find(Fill(item.text)) == std::string::npos)
      return item.by + " was not told of " + Fill(item.text);
    fmt::print("  {} was called about {}\n", item.by, Fill(item.text));
    return "";
  }

  const DemoScript script_;
  Assembly& x_;
  const std::string server_;
  const std::map<std::string, std::string> stand_ins_;
  std::map<std::string, std::string> saved_;
};

/// Where the folder of a demo is: as given, or the sample of the source tree or of an
/// installation.
std::string FolderOf(const Options& options) {
  if (!options.paths.empty()) return options.paths.front();
  const auto binary = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  for (const auto& base : {std::filesystem::path("pipelines"), binary / "../pipelines",
                           binary / "../share/reprise/pipelines"}) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(base, error)) {
      if (std::filesystem::exists(entry.path() / "demo.yaml", error))
        return entry.path().lexically_normal().string();
    }
  }
  return "pipelines";
}

int Play(const Options& options, DemoScript script) {
  const std::string folder = FolderOf(options);
  std::map<std::string, std::string> environment = script.environment, urls;
  std::vector<std::unique_ptr<StandIn>> stand_ins;
  for (StandInPlan& plan : script.stand_ins) {
    for (std::string& word : plan.command) {  // a script beside demo.yaml is named from there
      if (word.find('/') != std::string::npos && word[0] != '/') word = folder + "/" + word;
    }
    auto stand_in = StandIn::Run(plan.command);
    if (!stand_in) {
      fmt::print(stderr, "reprise: {}\n", stand_in.error().message);
      return exit_code::kProblems;
    }
    environment[plan.url_variable] = urls[plan.name] = (*stand_in)->url();
    fmt::print("stand-in {:<10} {}\n", plan.name, (*stand_in)->url());
    stand_ins.push_back(std::move(*stand_in));
  }
  auto temporary = TemporaryFolder::Make("demo");
  if (!temporary) {
    fmt::print(stderr, "reprise: {}\n", temporary.error().message);
    return exit_code::kProblems;
  }
  AssemblyOptions wanted;
  wanted.paths = {folder};
  wanted.config = options.config;
  wanted.plugin_folders = options.plugins;
  wanted.overrides.engine = options.engine.value_or("embedded");
  wanted.overrides.file = options.file.value_or((temporary->path() / "demo.db").string());
  wanted.overrides.listen = options.listen ? *options.listen
                            : options.once ? "127.0.0.1:0"
                                           : "127.0.0.1:8080";
  wanted.environment = [environment, outer = SystemEnvironment()](const std::string& name) {
    const auto it = environment.find(name);
    return it != environment.end() ? std::optional<std::string>(it->second) : outer(name);
  };
  auto assembly = Assembly::Build(std::move(wanted));
  if (!assembly) {
    fmt::print(stderr, "{}\n", assembly.error().message);
    return exit_code::kProblems;
  }
  (*assembly)->executor().OnLine(PrintLine);
  Serving serving(**assembly);
  if (Status started = serving.Start(); !started) {
    fmt::print(stderr, "reprise: {}\n", started.error().message);
    return exit_code::kProblems;
  }
  const std::string server = "http://" + serving.address();
  fmt::print("reprise demo {}: {} ({})\n", script.name, server,
             (*assembly)->engine().journal().About());
  Demo demo(script, **assembly, server, urls);
  const bool good = demo.Play();
  if (auto* clock = dynamic_cast<SystemClock*>(&(*assembly)->clock())) clock->SetSpeed(1);
  fmt::print("\n{}\n", good ? "Every saga ended as it should." : "NOT as it should; see above.");
  std::fflush(stdout);
  if (!options.once) {
    if (!options.file) temporary->Keep();  // what a person tries may be looked at later
    fmt::print("\nIt goes on serving, at normal speed, until Ctrl-C.  Try:\n");
    for (const std::string& line : script.tries) {
      std::string shown = demo.Fill(line);
      if (const std::size_t at = shown.find("{server}"); at != std::string::npos)
        shown.replace(at, 8, server);
      fmt::print("  {}\n", shown);
    }
    std::fflush(stdout);
    WaitForSignal();
  }
  serving.Stop();
  return good ? exit_code::kOk : exit_code::kProblems;
}

}  // namespace

int RunDemo(const Options& options) {
  BlockSignals();
  SetLogLevel(LogLevel::kError);
  const std::string file = FolderOf(options) + "/demo.yaml";
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) {
    fmt::print(stderr, "reprise: there is no {}; name a folder that has a demo.yaml\n", file);
    return exit_code::kUsage;
  }
  auto script = ReadDemo(file);
  if (!script) {
    fmt::print(stderr, "{}\n", script.error().message);
    return exit_code::kUsage;
  }
  return Play(options, std::move(*script));
}

}  // namespace reprise::runtime
