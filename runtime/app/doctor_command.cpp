// reprise doctor

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include <fmt/core.h>

#include "app/commands.h"
#include "app/doctor_text.h"
#include "app/fields.h"
#include "app/remote.h"
#include "app/version.h"
#include "base/clock.h"

namespace reprise::runtime {
namespace {

constexpr std::int64_t kSkewMsMax = 5000;

class Examination {
 public:
  explicit Examination(const Options& options)
      : options_(options), remote_(OpenServer(options.server)) {}

  // Whether a runtime is there at all; else `failed` says why not.
  bool Reach(Answer& failed) {
    const auto live = Fetch({.url = MakeUrl(options_.server, {"livez"}), .patience = Millis(5000)});
    if (!live) {
      failed = Unreachable(options_.server, live.error().message);
      return false;
    }
    findings_.push_back({Finding::kGood, "runtime", "answers at " + options_.server});
    return true;
  }

  std::vector<HealthFinding> Examine() {
    Ready();
    Versions();
    Plugins();
    Sagas();
    Letters();
    Lanes();
    Token();
    return std::move(findings_);
  }

 private:
  using Finding = HealthFinding;

  void Ready() {
    const auto ready = Fetch({.url = MakeUrl(options_.server, {"readyz"}, {{"verbose", ""}})});
    if (!ready) return Add(Finding::kBad, "ready", ready.error().message);
    for (Finding& finding : ReadReadyText(ready->body)) findings_.push_back(std::move(finding));
  }

  void Versions() {
    const auto metrics = Fetch({.url = MakeUrl(options_.server, {"metrics"})});
    const std::string version =
        metrics ? LabelIn(metrics->body, "reprise_build_info", "version") : "";
    if (version.empty()) return;
    Add(version == kVersion ? Finding::kGood : Finding::kWarn, "version",
        version == kVersion ? version
                            : fmt::format("the runtime is {}, this command {}", version, kVersion));
  }

  void Plugins() {
    const Answer plugins = remote_->Get({"plugins"}, {});
    if (!plugins.ok()) return Add(Finding::kBad, "api", plugins.detail);
    const json::array& all = ItemsIn(plugins.body, "plugins");
    Add(all.empty() ? Finding::kWarn : Finding::kGood, "plugins",
        fmt::format("{} loaded", all.size()));
    for (Finding& finding : UnsetSettings(plugins.body)) findings_.push_back(std::move(finding));
    if (const auto now = TimeIn(plugins.body, "now")) Clock(*now);
  }

  void Clock(Time theirs) {
    const Millis skew = theirs - SystemClock().Now();
    const bool far = std::abs(skew.count()) > kSkewMsMax;
    Add(far ? Finding::kWarn : Finding::kGood, "clock",
        far ? fmt::format(
                  "the runtime's time is {}: set the machine's clock, or mind --clock-speed",
                  Rfc3339(theirs))
            : "agrees with this machine's");
  }

  void Sagas() {
    const Answer stuck = remote_->Get({"sagas"}, {{"state", "stuck,held"}, {"limit", "500"}});
    if (!stuck.ok()) return;
    const std::size_t count = ItemsIn(stuck.body, "sagas").size();
    Add(count == 0 ? Finding::kGood : Finding::kWarn, "sagas",
        count == 0
            ? "none waits for a person"
            : fmt::format("{} wait for a person: reprise saga list --state stuck,held", count));
  }

  void Letters() {
    const Answer letters = remote_->Get({"dlq"}, {{"limit", "1"}});
    if (!letters.ok()) return;
    std::int64_t count = 0;
    for (const json::value& group : ItemsIn(letters.body, "groups"))
      count += NumberIn(AsObject(group), "count");
    Add(count == 0 ? Finding::kGood : Finding::kWarn, "dead letters",
        count == 0 ? "none" : fmt::format("{}: reprise dlq list", count));
  }

  void Lanes() {
    const Answer lanes = remote_->Get({"lanes"}, {});
    if (!lanes.ok()) return;  // an engine without
    const json::array& all = ItemsIn(lanes.body, "lanes");
    const auto stopped = std::ranges::count_if(
        all, [](const json::value& lane) { return AsObject(lane).contains("stopped"); });
    Add(stopped == 0 ? Finding::kGood : Finding::kBad, "lanes",
        stopped == 0 ? fmt::format("{}, none stands still", all.size())
                     : fmt::format("{} of {} stand still: reprise lane list", stopped, all.size()));
  }

  void Token() {
    const char* token = std::getenv("REPRISE_ADMIN_TOKEN");
    if (token == nullptr || *token == '\0') {
      Add(Finding::kWarn, "token",
          "REPRISE_ADMIN_TOKEN is not set here: verbs that change anything are only taken by a "
          "runtime that has none either");
    }
  }

  void Add(Finding::Kind kind, std::string what, std::string words) {
    findings_.push_back({kind, std::move(what), std::move(words)});
  }

  const Options& options_;
  std::unique_ptr<Remote> remote_;
  std::vector<HealthFinding> findings_;
};

}  // namespace

int RunDoctor(const Options& options) {
  Examination examination(options);
  Answer failed;
  if (!examination.Reach(failed)) return ExitOf(failed);
  const std::vector<HealthFinding> findings = examination.Examine();
  if (options.json()) {
    fmt::print("{}\n", json::serialize(FindingsJson(findings)));
  } else {
    fmt::print("{}", FindingsText(findings, StdoutLook()));
  }
  const bool bad = HasBad(findings);
  std::fflush(stdout);
  fmt::print(stderr, "{}\n", Summary(findings));
  return bad ? exit_code::kProblems : exit_code::kOk;
}

}  // namespace reprise::runtime
