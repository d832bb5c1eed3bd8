/// The data platform's feed: what a step is told, as one line of JSON on a topic.
#include <string>

#include <reprise/json.hpp>
#include <reprise/plugin.hpp>

namespace data_platform {

using namespace reprise;

constexpr std::string_view kNoSaga = "00000000-0000-0000-0000-000000000000";

struct Settings {
  std::string topic = "data-platform";
  static void Describe(auto& d) {
    d("topic", &Settings::topic, "the topic; embedded, the file <journal>.topics/<topic>.jsonl");
  }
};

class DataPlatform : public Plugin<Settings> {
 public:
  static constexpr About kAbout{"data-platform", "1.0.0", "Everything that happens, for analysis."};

  Status Start(Context&) override {
    if (settings().topic.empty()) return Error{Code::kInvalid, "setting 'topic' is empty"};
    return {};
  }
};

class Record : public Action<DataPlatform, Nothing> {
 public:
  static constexpr About kAbout{.name = "record",
                                .summary = "Writes {at, step, saga, payload} to the topic."};

  Outcome Do(Context& ctx, const Nothing&) const override {
    // What a route's `tell:` sends belongs to no saga.
    const std::string_view saga = ctx.saga_id() == kNoSaga ? std::string_view() : ctx.saga_id();
    boost::json::object head;
    const auto set = [&](std::string_view name, std::string_view text) {
      if (!text.empty()) head[name] = text;
    };
    set("at", Rfc3339(ctx.Now()));
    set("step", ctx.step());
    set("saga", saga);
    std::string line = boost::json::serialize(head);
    line.pop_back();
    line += ",\"payload\":";
    line += ctx.payload();
    line += '}';
    return ctx.Send(plugin().settings().topic, saga.empty() ? ctx.step() : saga, line);
  }

  /// What was recorded did happen: nothing is taken back.
  Outcome Undo(Context&, const Nothing&) const override { return Done(); }
};

REPRISE_PLUGIN(DataPlatform, Record);

}  // namespace data_platform
