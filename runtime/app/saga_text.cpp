#include "app/saga_text.h"

#include <algorithm>
#include <map>
#include <vector>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "app/fields.h"

namespace reprise::runtime {
namespace {

constexpr const char* kNone = "–";

struct Sign {
  const char* mark;
  Tint tint;
};

Sign SignOf(std::string_view state) {
  static const std::map<std::string_view, Sign> kSigns = {
      {"running", {"▷", Tint::kNone}}, {"undoing", {"↶", Tint::kWarn}},
      {"done", {"✓", Tint::kGood}},    {"undone", {"↶", Tint::kDim}},
      {"stuck", {"✋", Tint::kBad}},    {"retrying", {"↻", Tint::kWarn}},
      {"held", {"‖", Tint::kWarn}},    {"failed", {"✗", Tint::kBad}}};
  const auto sign = kSigns.find(state);
  return sign == kSigns.end() ? Sign{"·", Tint::kNone} : sign->second;
}

std::string Reason(const json::object& of) {
  const std::string code = TextIn(of, "code");
  const std::string detail = TextIn(of, "detail");
  return Plain(code.empty() || detail.empty() ? code + detail : code + ": " + detail);
}

std::string OrNone(std::string text) {
  return text.empty() ? kNone : std::move(text);
}

// "4/8", or "4" where the plan is not known.
std::string Of(std::int64_t attempt, std::int64_t attempts) {
  return attempts == 0 ? std::to_string(attempt) : fmt::format("{}/{}", attempt, attempts);
}

std::string Tries(const json::object& step) {
  return Of(NumberIn(step, "attempt"), NumberIn(step, "attempts"));
}

std::vector<std::string> ListCells(const json::object& saga, const std::optional<Time>& now,
                                   const Look& look) {
  const json::object& step = ObjectIn(saga, "step");
  const std::string shown = TextIn(saga, "shown");
  const bool undo = TextIn(step, "phase") == "undo";
  const auto next = TimeIn(step, "next");
  std::string error = Reason(step);
  if (error.empty()) error = TextIn(saga, "code");
  return {TextIn(saga, "short"),
          TextIn(saga, "pipeline"),
          OrNone(Plain(TextIn(saga, "subject"))),
          Tinted(look, SignOf(shown).tint, Marked(shown)),
          step.empty() ? kNone : (undo ? "undo " : "") + TextIn(step, "name"),
          step.empty() ? kNone : Tries(step),
          next && now ? Age(*next - *now) : kNone,
          Age(Millis(NumberIn(saga, "age_ms"))),
          OrNone(Plain(error))};
}

// ---------------------------------------------------------------- one saga

std::string Since(const json::object& saga, Time at) {
  const Millis after = at - TimeIn(saga, "created").value_or(at);
  if (after < Millis(60'000))
    return fmt::format("{:.3f}", static_cast<double>(after.count()) / 1000);
  return Took(after);
}

// The earliest due row of a step with one of these words in its kind.
std::optional<Millis> DueIn(const json::object& saga, const std::string& step,
                            std::string_view word) {
  const auto now = TimeIn(saga, "now");
  std::optional<Millis> left;
  for (const json::value& item : ItemsIn(saga, "due")) {
    const json::object& due = AsObject(item);
    const auto at = TimeIn(due, "due");
    if (!now || !at || TextIn(due, "step") != step ||
        TextIn(due, "kind").find(word) == std::string::npos)
      continue;
    left = left ? std::min(*left, *at - *now) : *at - *now;
  }
  return left;
}

std::string NextTry(const json::object& saga, const std::string& step, std::string_view word) {
  const auto left = DueIn(saga, step, word);
  return left ? ", next in " + Age(*left) : "";
}

std::string Count(std::int64_t tries) {
  return tries == 1 ? "1 try" : fmt::format("{} tries", tries);
}

std::string DoCell(const json::object& saga, const json::object& step, const Look& look) {
  const std::string state = TextIn(step, "state");
  const std::string name = TextIn(step, "name");
  const auto began = TimeIn(step, "began");
  const auto done = TimeIn(step, "done");
  const std::int64_t tries = NumberIn(step, "attempt");
  if (state == "waiting") return "· waiting";
  if (state == "skipped") return "– not reached";
  if (state == "tombstone") return "– never ran";
  if (state == "failed") return Tinted(look, Tint::kBad, "✗ " + Count(tries));
  if (state == "unknown" || (FlagIn(step, "unknown") && !done))
    return Tinted(look, Tint::kWarn, "? unknown");
  if (state == "held") {
    const auto left = DueIn(saga, name, "hold");
    return Tinted(look, Tint::kWarn, "‖ held" + (left ? ", " + Age(*left) + " left" : ", for you"));
  }
  if (state == "retrying") {
    return Tinted(look, Tint::kWarn,
                  "↻ " + Of(tries, NumberIn(step, "attempts")) + NextTry(saga, name, "retry do"));
  }
  if (state == "running") {
    const auto left = DueIn(saga, name, "wait");
    return left ? fmt::format("… waits, {} left", Age(*left)) : "… running";
  }
  if (FlagIn(step, "cancelled") && !done) return "– cancelled";
  if (!done) return state == "done" ? Tinted(look, Tint::kGood, "✓") : kNone;
  const std::string took = began ? " " + Took(*done - *began) : "";
  return Tinted(look, Tint::kGood, "✓" + took) +
         (tries > 1 ? fmt::format(" ({})", Count(tries)) : "");
}

bool InScope(const json::object& saga, const std::string& step) {
  const json::array& scope = ItemsIn(saga, "scope");
  return std::any_of(scope.begin(), scope.end(), [&](const json::value& name) {
    return name.is_string() && std::string_view(name.get_string()) == step;
  });
}

std::string UndoCell(const json::object& saga, const json::object& step, const Look& look) {
  const std::string state = TextIn(step, "state");
  const std::string name = TextIn(step, "name");
  const std::int64_t tries = NumberIn(step, "undo_attempt");
  if (state == "stuck") return Tinted(look, Tint::kBad, "✗ " + Count(tries));
  if (FlagIn(step, "kept")) return "= kept";
  if (state == "undone") {
    const auto at = TimeIn(step, "undone");
    return Tinted(look, Tint::kGood, at ? "↶ at " + Since(saga, *at) : "↶ undone");
  }
  if (state == "tombstone") return "↶ barred";
  if (state == "undoing") {
    const std::string next = NextTry(saga, name, "retry undo");
    return Tinted(
        look, Tint::kWarn,
        next.empty() ? "… undoing" : "↻ " + Of(tries, NumberIn(step, "undo_attempts")) + next);
  }
  if (FlagIn(step, "undo_wanted")) return "… after its call";
  const bool waits = InScope(saga, name) && state == "done" && TextIn(saga, "state") == "undoing";
  return waits ? "· waits its turn" : kNone;
}

std::string DetailCell(const json::object& saga, const json::object& step) {
  std::string out = Reason(step);
  if (const auto left = DueIn(saga, TextIn(step, "name"), "timer")) {
    out += fmt::format("{}⏲ due in {}", out.empty() ? "" : "  ", Age(*left));
  }
  return out;
}

// One line of the timeline: a step, or something that happened.
struct Moment {
  Time at{};
  bool happened = false;           // a step that never began comes last
  std::vector<std::string> cells;  // one: a text
};

Moment StepMoment(const json::object& saga, const json::object& step, const Look& look) {
  Moment moment;
  const auto began = TimeIn(step, "began");
  moment.happened = began.has_value();
  moment.at = began.value_or(Time{});
  const std::string name = TextIn(step, "name") + (FlagIn(step, "side") ? " (side)" : "");
  moment.cells = {(began ? Since(saga, *began) : "") + (FlagIn(step, "final") ? " ◆" : ""), name,
                  DoCell(saga, step, look), UndoCell(saga, step, look), DetailCell(saga, step)};
  return moment;
}

// Attempts are counted in the step's cell; the line tells of turns and of people.
bool Told(const std::string& what) {
  return what != "retry" && what != "later";
}

Moment HistoryMoment(const json::object& saga, const json::object& line, const Look& look) {
  Moment moment;
  moment.happened = true;
  moment.at = TimeIn(line, "at").value_or(Time{});
  const std::string who = Plain(TextIn(line, "who"));
  const std::string what = TextIn(line, "what");
  const std::string phase = TextIn(line, "phase") == "undo" ? "undo of " : "";
  const std::string step = TextIn(line, "step");
  std::string text = "  " + Since(saga, moment.at) + "  ";
  if (what.starts_with("verb ")) {
    text += fmt::format("{} {}{}{}", Tinted(look, Tint::kBold, who + ":"), what.substr(5),
                        step.empty() ? "" : " " + step,
                        TextIn(line, "code").empty() ? "" : " (" + TextIn(line, "code") + ")");
    if (!TextIn(line, "detail").empty()) text += "  \"" + Plain(TextIn(line, "detail")) + "\"";
  } else {
    const Sign sign = SignOf(what);
    text +=
        Tinted(look, sign.tint,
               fmt::format("{} {}{}{}{}", sign.mark, phase, step, step.empty() ? "" : " ", what));
    if (const std::string reason = Reason(line); !reason.empty()) text += "  " + reason;
    if (!who.empty()) text += "  (" + who + ")";
  }
  moment.cells = {std::move(text)};
  return moment;
}

std::string Payloads(const json::object& saga, const Look& look) {
  if (!saga.contains("root")) return "";
  std::string out =
      Tinted(look, Tint::kDim, "payloads") + "\n  root  " + json::serialize(saga.at("root")) + "\n";
  for (const json::value& item : ItemsIn(saga, "steps")) {
    const json::object& step = AsObject(item);
    const json::value* memo = step.if_contains("memo");
    const bool has_memo = memo != nullptr && !(memo->is_string() && memo->get_string().empty());
    if (ObjectIn(step, "added").empty() && !has_memo) continue;
    out +=
        fmt::format("  {}  {}{}\n", TextIn(step, "name"), json::serialize(ObjectIn(step, "added")),
                    has_memo ? "  memo " + Plain(json::serialize(*memo)) : "");
  }
  return out;
}

std::string Head(const json::object& saga, const Look& look) {
  const std::string shown = TextIn(saga, "shown");
  std::string out = fmt::format("{}  {}", Tinted(look, Tint::kBold, TextIn(saga, "id")),
                                TextIn(saga, "pipeline"));
  if (!TextIn(saga, "subject").empty()) out += "  " + Plain(TextIn(saga, "subject"));
  out += "  " + Tinted(look, SignOf(shown).tint, Marked(shown)) + "  " +
         Age(Millis(NumberIn(saga, "age_ms")));
  if (!TextIn(saga, "code").empty()) out += "  " + Plain(TextIn(saga, "code"));
  if (FlagIn(saga, "final")) out += "  final: it cannot be undone any more";
  return out + "\n";
}

}  // namespace

std::string Marked(std::string_view state) {
  return fmt::format("{} {}", SignOf(state).mark, state);
}

std::string SagaTable(const json::object& list, const Look& look) {
  const json::array& sagas = ItemsIn(list, "sagas");
  if (sagas.empty()) return "";
  Table table({"ID", "PIPELINE", "SUBJECT", "STATE", "STEP", "TRY", "NEXT", "AGE", "LAST ERROR"});
  for (const json::value& saga : sagas)
    table.Add(ListCells(AsObject(saga), TimeIn(list, "now"), look));
  return table.Text(look);
}

std::string SagaCounts(const json::object& list) {
  const json::object& counts = ObjectIn(list, "counts");
  std::vector<std::string> parts;
  for (const char* state : {"running", "undoing", "stuck", "done", "undone"}) {
    if (const std::int64_t n = NumberIn(counts, state); n != 0)
      parts.push_back(Grouped(n) + " " + state);
  }
  return fmt::format("{} shown of {} sagas{}.", ItemsIn(list, "sagas").size(),
                     Grouped(NumberIn(counts, "total")),
                     parts.empty() ? "" : fmt::format(" ({})", fmt::join(parts, ", ")));
}

std::string SagaTimeline(const json::object& saga, const Look& look) {
  std::vector<Moment> moments;
  for (const json::value& step : ItemsIn(saga, "steps"))
    moments.push_back(StepMoment(saga, AsObject(step), look));
  for (const json::value& line : ItemsIn(saga, "history")) {
    if (Told(TextIn(AsObject(line), "what")))
      moments.push_back(HistoryMoment(saga, AsObject(line), look));
  }
  if (const auto ended = TimeIn(saga, "ended")) {
    const std::string state = TextIn(saga, "state");
    moments.push_back({*ended,
                       true,
                       {fmt::format("  {}  {}", Since(saga, *ended),
                                    Tinted(look, SignOf(state).tint, Marked(state)))}});
  }
  std::stable_sort(moments.begin(), moments.end(), [](const Moment& a, const Moment& b) {
    return a.happened != b.happened ? a.happened : a.at < b.at;
  });
  Table table({"t+", "STEP", "DO", "UNDO", "DETAIL"}, "  ");
  for (Moment& moment : moments) {
    if (moment.cells.size() > 1) {
      table.Add(std::move(moment.cells));
    } else {
      table.AddText(moment.cells.front().substr(2));
    }
  }
  if (const auto left = DueIn(saga, "", "saga timeout"))
    table.AddText("⏲ its timeout is in " + Age(*left));
  return Head(saga, look) + table.Text(look) + Payloads(saga, look);
}

std::string NextForSaga(const json::object& saga, const std::string& flags) {
  const json::object& verbs = ObjectIn(saga, "verbs");
  const std::string id = TextIn(saga, "id");
  std::vector<std::string> next;
  for (const char* verb : {"retry", "skip", "resolve"}) {
    if (const json::array& steps = ItemsIn(verbs, verb); !steps.empty() && steps[0].is_string()) {
      next.push_back(fmt::format("reprise saga {} {} {}{}", verb, id,
                                 std::string_view(steps[0].get_string()), flags));
    }
  }
  if (next.empty() && FlagIn(verbs, "undo"))
    next.push_back(fmt::format("reprise saga undo {}{}", id, flags));
  return fmt::format("{}", fmt::join(next, "   ·   "));
}

}  // namespace reprise::runtime
