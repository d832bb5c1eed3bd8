#include "model/row_json.h"

#include <exception>

#include <fmt/format.h>

namespace reprise::runtime {
namespace {

constexpr int kFinal = 1, kDoneTold = 2;

/// Fields of `more`: present only if they are not what a fresh row has.
class MoreWriter {
 public:
  void Number(std::string_view name, std::uint64_t value) {
    if (value != 0) object_[name] = value;
  }
  void Set(std::string_view name, StepSet set) { Number(name, set.bits()); }
  void Flag(std::string_view name, bool value) {
    if (value) object_[name] = true;
  }
  void Text(std::string_view name, const std::string& value) {
    if (!value.empty()) object_[name] = value;
  }
  void Id(std::string_view name, const Uuid& id) {
    if (!id.nil()) object_[name] = id.ToString();
  }
  void At(std::string_view name, Time t) {
    if (t != Time{}) object_[name] = ToMillis(t);
  }
  void List(std::string_view name, const json::array& value) {
    if (!value.empty()) object_[name] = value;
  }
  Json Done() const { return runtime::TextOf(object_); }

 private:
  json::object object_;
};

class MoreReader {
 public:
  explicit MoreReader(const json::object& object) : object_(object) {}

  std::uint64_t Number(std::string_view name) const {
    const json::value* v = object_.if_contains(name);
    return v == nullptr ? 0 : v->to_number<std::uint64_t>();
  }
  std::uint32_t Small(std::string_view name) const {
    return static_cast<std::uint32_t>(Number(name));
  }
  StepSet Set(std::string_view name) const { return StepSet(Number(name)); }
  bool Flag(std::string_view name) const { return object_.contains(name); }
  std::string Text(std::string_view name) const {
    const json::value* v = object_.if_contains(name);
    return v == nullptr ? "" : std::string(v->as_string());
  }
  Uuid Id(std::string_view name) const { return Uuid::Parse(Text(name)).value_or(Uuid{}); }
  Time At(std::string_view name) const {
    return FromMillis(static_cast<std::int64_t>(Number(name)));
  }
  json::array List(std::string_view name) const {
    const json::value* v = object_.if_contains(name);
    return v == nullptr ? json::array{} : v->as_array();
  }

 private:
  const json::object& object_;
};

/// Boost.JSON throws on what is not of the expected type: a damaged row.
template <class F>
Status Guard(F read) {
  try {
    read();
    return {};
  } catch (const std::exception& e) {
    return Error{Code::kInternal, fmt::format("journal: a row cannot be read: {}", e.what())};
  }
}

bool HasMore(const StepRow& r) {
  return r.undo_attempt != 0 || r.round != 0 || !r.undo_id.nil() || !r.last_id.nil() ||
         r.bits != 0 || !r.arrivals.empty() || !r.code.empty() || !r.detail.empty() ||
         r.cancelled || r.kept || r.unknown || r.undo_wanted || r.undo_running ||
         r.undone != Time{} || r.intent != Time{} || r.later_since != Time{};
}

}  // namespace

Json TextOf(const json::object& object) {
  return object.empty() ? std::nullopt : std::optional(json::serialize(object));
}

Status ReadObject(std::string_view text, json::object& into) {
  if (text.empty()) return {};
  return Guard([&] { into = json::parse(text).as_object(); });
}

int FlagsOf(const Saga& saga) {
  return (saga.final ? kFinal : 0) | (saga.done_told ? kDoneTold : 0);
}

void ReadFlags(std::int64_t flags, Saga& into) {
  into.final = (flags & kFinal) != 0;
  into.done_told = (flags & kDoneTold) != 0;
}

Json MoreOf(const Saga& s) {
  const StepSet any = s.scope | s.sent | s.settled | s.last_sent | s.last_settled | s.stuck |
                      s.kept | s.undone | s.failed | s.half;
  if (any.empty()) return std::nullopt;
  MoreWriter more;
  more.Set("scope", s.scope);
  more.Set("sent", s.sent);
  more.Set("settled", s.settled);
  more.Set("last_sent", s.last_sent);
  more.Set("last_settled", s.last_settled);
  more.Set("stuck", s.stuck);
  more.Set("kept", s.kept);
  more.Set("undone", s.undone);
  more.Set("failed", s.failed);
  more.Set("half", s.half);
  return more.Done();
}

Status ReadMore(std::string_view text, Saga& s) {
  if (text.empty()) return {};
  return Guard([&] {
    const json::object object = json::parse(text).as_object();
    const MoreReader more(object);
    s.scope = more.Set("scope");
    s.sent = more.Set("sent");
    s.settled = more.Set("settled");
    s.last_sent = more.Set("last_sent");
    s.last_settled = more.Set("last_settled");
    s.stuck = more.Set("stuck");
    s.kept = more.Set("kept");
    s.undone = more.Set("undone");
    s.failed = more.Set("failed");
    s.half = more.Set("half");
  });
}

Json MoreOf(const StepRow& r) {
  if (!HasMore(r)) return std::nullopt;
  MoreWriter more;
  more.Number("undo_attempt", r.undo_attempt);
  more.Number("round", r.round);
  more.Id("undo_id", r.undo_id);
  more.Id("last_id", r.last_id);
  more.Number("bits", r.bits);
  more.List("arrivals", r.arrivals);
  more.Text("code", r.code);
  more.Text("detail", r.detail);
  more.Flag("cancelled", r.cancelled);
  more.Flag("kept", r.kept);
  more.Flag("unknown", r.unknown);
  more.Flag("undo_wanted", r.undo_wanted);
  more.Flag("undo_running", r.undo_running);
  more.At("undone", r.undone);
  more.At("intent", r.intent);
  more.At("later_since", r.later_since);
  return more.Done();
}

Status ReadMore(std::string_view text, StepRow& r) {
  if (text.empty()) return {};
  return Guard([&] {
    const json::object object = json::parse(text).as_object();
    const MoreReader more(object);
    r.undo_attempt = more.Small("undo_attempt");
    r.round = more.Small("round");
    r.undo_id = more.Id("undo_id");
    r.last_id = more.Id("last_id");
    r.bits = more.Number("bits");
    r.arrivals = more.List("arrivals");
    r.code = more.Text("code");
    r.detail = more.Text("detail");
    r.cancelled = more.Flag("cancelled");
    r.kept = more.Flag("kept");
    r.unknown = more.Flag("unknown");
    r.undo_wanted = more.Flag("undo_wanted");
    r.undo_running = more.Flag("undo_running");
    r.undone = more.At("undone");
    r.intent = more.At("intent");
    r.later_since = more.At("later_since");
  });
}

std::string_view JsonText::Of(const json::object& object) {
  serializer_.reset(&object);
  size_t used = 0;
  while (!serializer_.done()) {
    if (text_.size() - used < 512) text_.resize(std::max<size_t>(1024, text_.size() * 2));
    used += serializer_.read(text_.data() + used, text_.size() - used).size();
  }
  return {text_.data(), used};
}

std::optional<IdRange> RangeOf(std::string_view prefix) {
  constexpr std::string_view kLow = "00000000-0000-0000-0000-000000000000";
  constexpr std::string_view kHigh = "ffffffff-ffff-ffff-ffff-ffffffffffff";
  if (prefix.size() > kLow.size()) return std::nullopt;
  const auto low = Uuid::Parse(std::string(prefix).append(kLow.substr(prefix.size())));
  const auto high = Uuid::Parse(std::string(prefix).append(kHigh.substr(prefix.size())));
  if (!low || !high) return std::nullopt;
  return IdRange{*low, *high};
}

}  // namespace reprise::runtime
