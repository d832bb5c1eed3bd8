/// A pipeline, checked and compiled: names are resolved to indexes, dependencies are sets.
///
/// Built by config/ from YAML; everything behind it reads only this.  A Pipeline never changes: a
/// changed file is another plan with another hash, and sagas keep the plan they began with.
#pragma once

#include <bit>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/backoff.h"
#include "model/payload.h"

namespace reprise::runtime {

using StepIndex = std::uint16_t;
inline constexpr StepIndex kMaxMainSteps = 64;

/// A set of main steps.
class StepSet {
 public:
  constexpr StepSet() = default;
  constexpr explicit StepSet(std::uint64_t bits) : bits_(bits) {}
  static constexpr StepSet Of(StepIndex step) { return StepSet(std::uint64_t{1} << step); }

  constexpr bool Has(StepIndex step) const {
    return step < kMaxMainSteps && (bits_ >> step & 1) != 0;
  }
  constexpr void Add(StepIndex step) { bits_ |= std::uint64_t{1} << step; }
  constexpr void Remove(StepIndex step) { bits_ &= ~(std::uint64_t{1} << step); }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr int size() const { return std::popcount(bits_); }
  constexpr std::uint64_t bits() const { return bits_; }
  constexpr bool SubsetOf(StepSet other) const { return (bits_ & ~other.bits_) == 0; }

  constexpr StepSet operator|(StepSet o) const { return StepSet(bits_ | o.bits_); }
  constexpr StepSet operator&(StepSet o) const { return StepSet(bits_ & o.bits_); }
  constexpr StepSet operator-(StepSet o) const { return StepSet(bits_ & ~o.bits_); }
  constexpr StepSet& operator|=(StepSet o) { return *this = *this | o; }
  constexpr bool operator==(const StepSet&) const = default;

  /// Calls f(step) in rising order.
  template <class F>
  void Each(F f) const {
    for (std::uint64_t left = bits_; left != 0; left &= left - 1)
      f(static_cast<StepIndex>(std::countr_zero(left)));
  }

 private:
  std::uint64_t bits_ = 0;
};

enum class StepKind { kAction, kWait, kFail };

struct OnFailure {
  std::optional<Millis> hold;  // nothing: no hold
  bool hold_forever = false;
  StepSet undo;       // closed over dependents; empty with `none`
  bool none = false;  // undo: none
};

struct Step {
  std::string name;
  StepKind kind = StepKind::kAction;
  bool side = false;     // never part of the saga's state
  bool inlined = false;  // run by a route, in the accepting transaction

  // kAction
  std::string plugin, action;
  json::object
      with;  // checked settings, canonical: durations in ms as integers, defaults filled in
  bool external = false, idempotent = false, can_undo = true, reconciles = false, takes_all = false;

  // kWait: emits `<step>.<signal>` or `<step>.late`;  kFail: fails the saga with `fail_code`
  std::string wait_for;
  Millis wait_at_most{0};
  std::string fail_code;

  // What it listens to.  Main: event names as in GRAMMAR (`reserve.held`, `requested`,
  // `billing/$undone`).  A side step may listen to `*`.
  std::vector<std::string> on;
  bool all = false;     // a join: every event of `on`, arrival i is bit i
  std::string undo_on;  // side steps

  std::string key_field;  // a field of the root payload; empty: the saga id
  RetryPolicy retry;
  RetryPolicy undo_retry{20, 2, Millis(200), 2, Millis(300'000), 0.2};
  Millis timeout{30'000};
  Millis patience{3'600'000};
  std::uint32_t concurrency = 16;
  bool strict = false;  // ordering: strict
  bool undo_last = false, final = false, halt = false;
  OnFailure on_failure;

  // Events that Do or a timer of it may emit, without the step's name.
  std::vector<std::string> events;

  // Derived, main steps only.
  StepSet dependents;  // direct: they listen to an event of this step (or follow it inline)
  StepSet closure;     // transitive dependents, without itself
  StepSet causes;      // direct producers
};

/// Where an event goes inside its pipeline.
struct Target {
  StepIndex step = 0;
  std::uint8_t bit = 0;  // for joins
};

enum class RouteKind { kStart, kRun, kAsk, kSignal, kStream };

struct BodyField;

/// The type of a body or query field: string(1..64), integer(1..9), [T], {...}, optional T.
struct BodyType {
  enum Kind { kString, kInteger, kNumber, kBoolean, kObject, kArray, kStruct };
  Kind kind = kString;
  bool optional = false;
  std::optional<std::int64_t> min, max;  // length of a string (code points), value of an integer
  std::vector<BodyField> fields;         // kStruct
  std::vector<BodyType> element;         // kArray: exactly one
};

struct BodyField {
  std::string name;
  BodyType type;
};

struct QuestionRef {
  std::string plugin, question;
  std::string name() const { return plugin + "." + question; }
};

struct Route {
  std::string method, path;  // "POST", "/users/{id}/points"
  RouteKind kind = RouteKind::kAsk;
  BodyType body;   // kStruct without fields: no body fields allowed
  BodyType query;  // likewise
  std::vector<QuestionRef> check;
  std::string lock;            // a field of the root payload
  std::string id;              // the saga id's name in payload and reply
  std::string start;           // kStart: the event
  std::vector<StepIndex> run;  // kRun
  QuestionRef ask;             // kAsk, kStream
  std::string signal;          // kSignal
  json::object reply;          // fields added to a 202's reply
  std::string location;        // "/orders/{orderId}"
  bool idempotency_required = false;
  bool admin_token = false;
  std::optional<Millis> deadline;
  std::string tell;  // the event that sends an ask's answer to side steps

  /// "POST /orders": the name in idempotency rows, metrics and messages.
  std::string name() const { return method + " " + path; }
};

struct Topic {
  std::string name, format = "auto", key, dedupe = "offset", from = "latest", start;
  BodyType body;
  std::vector<QuestionRef> check;
};

struct Invariant {
  std::string name, sql, when = "always";
};

struct Pipeline {
  std::string name, about, subject;
  std::string file;  // as given, for messages
  std::string hash;  // SHA-256 hex of `text`
  std::string text;  // the file before interpolation
  std::optional<Millis> timeout;
  std::optional<Millis> keep_done, keep_undone;
  std::vector<Step> steps;  // main steps first, in file order, then side steps
  StepIndex main_count = 0;
  std::vector<Route> routes;
  std::vector<Topic> topics;
  std::vector<Invariant> invariants;

  /// The first key that a main step declares.  Steps without a key of their own are put into lanes
  /// by this one, so that what belongs together meets in one worker; empty: by the saga id.
  std::string affinity_field;

  std::map<std::string, std::vector<Target>, std::less<>> targets;  // event -> main steps
  std::map<std::string, std::vector<StepIndex>, std::less<>>
      listeners;                         // event -> side steps, `*` resolved per event
  std::vector<StepIndex> listen_to_all;  // side steps with `*`
  /// Events of other pipelines that begin a saga here: "billing/$undone" -> main steps.
  std::map<std::string, std::vector<Target>, std::less<>> foreign;

  const Step& step(StepIndex i) const { return steps[i]; }
  StepSet mains() const {
    return main_count == kMaxMainSteps ? StepSet(~std::uint64_t{0})
                                       : StepSet((std::uint64_t{1} << main_count) - 1);
  }
  std::optional<StepIndex> Find(std::string_view step_name) const {
    const auto count = static_cast<StepIndex>(steps.size());
    for (StepIndex i = 0; i < count; ++i) {
      if (steps[i].name == step_name) return i;
    }
    return std::nullopt;
  }
  /// Main steps that an event of this pipeline reaches; empty if none.
  const std::vector<Target>& TargetsOf(std::string_view event) const {
    static const std::vector<Target> kNone;
    const auto it = targets.find(event);
    return it == targets.end() ? kNone : it->second;
  }
};

using PipelineRef = std::shared_ptr<const Pipeline>;

/// Fills everything marked "derived" and the three maps from steps' `on`, `undo_on` and routes'
/// `run` and closes every on_failure.undo over dependents.  For loaders and for tests that build
/// pipelines by hand.
void Link(Pipeline& pipeline);

}  // namespace reprise::runtime
