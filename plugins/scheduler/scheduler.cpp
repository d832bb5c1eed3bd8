/// The scheduler: an event at the time a field of the payload says.
#include <algorithm>

#include <reprise/plugin.hpp>

namespace scheduler {

using namespace reprise;

class Scheduler : public Plugin<> {
 public:
  static constexpr About kAbout{"scheduler", "1.0.0", "Events at a time that the payload says."};
};

struct WakeWith {
  FieldName at;
  static void Describe(auto& d) {
    d("at", &WakeWith::at, "the field that says when: RFC 3339 UTC, as expiresAt").Required();
  }
};

class Wake : public Action<Scheduler, Nothing, WakeWith> {
 public:
  static constexpr About kAbout{.name = "wake", .summary = "Emits `due` at the time a field says."};
  static constexpr std::tuple kEvents{
      Event<>{"due", "The time has come; at once if it was in the past.", When::kTimer}};
  static constexpr Problem kErrors[] = {
      {"bad_time", 422, "The field is missing or not a time in RFC 3339 UTC."}};

  Outcome Do(Context& ctx, const Nothing&) const override {
    const Result<std::string> text = ctx.Field(with().at);
    if (!text && text.error().transient()) return text.error();
    if (!text) return Fail("bad_time", text.error().message);
    const std::optional<Time> at = ParseRfc3339(*text);
    if (!at) return Fail("bad_time", "'" + with().at.name + "' is '" + *text + "'");
    return ctx.After(std::max(*at - ctx.Now(), Millis(0)), "due");
  }

  Outcome Undo(Context& ctx, const Nothing&) const override { return ctx.CancelAfter("due"); }
};

REPRISE_PLUGIN(Scheduler, Wake);

}  // namespace scheduler
