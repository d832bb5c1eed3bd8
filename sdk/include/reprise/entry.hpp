/// From classes to the C tables of abi.h: every function here is an edge that nothing is thrown
/// across. Included by plugin.hpp; a plugin needs only REPRISE_PLUGIN.
#pragma once

#include <algorithm>
#include <exception>
#include <iterator>
#include <memory>

#include <reprise/plugin.hpp>

namespace reprise::detail {

struct Access {
  template <class P>
  static auto& SettingsOf(P& plugin) {
    return plugin.settings_;
  }
  template <class A>
  static auto& WithOf(A& action) {
    return action.with_;
  }
  template <class Part, class P>
  static void Bind(Part& part, const P* plugin) {
    part.plugin_ = plugin;
  }
};

template <class T>
concept IsAction =
    std::derived_from<T, Action<typename T::ForPlugin, typename T::Input, typename T::Settings>>;
template <class T>
concept IsQuestion = !requires {
  typename T::Settings;
}
&&requires {
  typename T::Output;
};

template <class A>
using BaseOf = Action<typename A::ForPlugin, typename A::Input, typename A::Settings>;
/// Whether A, or a class between, overrides: the member then is no longer the base's.
template <class A>
inline constexpr bool kHasUndo =
    !std::same_as<decltype(&A::Undo),
                  Outcome (BaseOf<A>::*)(Context&, const typename A::Input&) const>;
template <class A>
inline constexpr bool kHasReconcile =
    !std::same_as<decltype(&A::Reconcile),
                  Found (BaseOf<A>::*)(Context&, const typename A::Input&) const>;
template <class A>
inline constexpr bool kHasDoAll =
    !std::same_as<decltype(&A::DoAll), Status (BaseOf<A>::*)(Batch<typename A::Input>&) const>;

using WhyFn = void (*)(void*, reprise_str);
inline void Tell(WhyFn why, void* user, std::string_view text) {
  why(user, ToAbi(text));
}

/// Runs `body` and turns what it throws into a line of text; empty: nothing was thrown.
template <class Body>
std::string Guarded(Body body) noexcept {
  try {
    body();
    return {};
  } catch (const std::exception& e) {
    return *e.what() == '\0' ? "exception without text" : e.what();
  } catch (...) {
    return "exception that is no std::exception";
  }
}

// ---- declared problems and events

/// What the SDK itself may answer for a part, beside what it declares.
template <class Part>
constexpr auto BuiltIn() {
  if constexpr (IsQuestion<Part>)
    return std::array{kBadPayload, kUnavailable, kInternal};
  else if constexpr (Part::kEffects == Effects::kExternal)
    return std::array{kBadPayload, kInternal, kHttpRefused};
  else
    return std::array{kBadPayload, kInternal};
}

template <class Part>
constexpr bool DeclaresItself(std::string_view code) {
  for (const Problem& problem : Part::kErrors) {
    if (problem.code == code) return true;
  }
  return false;
}

template <class Part>
constexpr bool Declared(std::string_view code) {
  for (const Problem& known : BuiltIn<Part>()) {
    if (known.code == code) return true;
  }
  return DeclaresItself<Part>(code);
}

template <class Part>
const reprise_problem_spec* ProblemAt(std::size_t index) {
  static const std::vector<reprise_problem_spec> all = [] {
    std::vector<reprise_problem_spec> specs;
    const auto add = [&](const Problem& problem) {
      specs.push_back(
          {sizeof(reprise_problem_spec), ToAbi(problem.code), ToAbi(problem.doc), problem.http});
    };
    for (const Problem& problem : Part::kErrors) add(problem);
    for (const Problem& problem : BuiltIn<Part>()) {
      if (!DeclaresItself<Part>(problem.code)) add(problem);
    }
    return specs;
  }();
  return index < all.size() ? &all[index] : nullptr;
}

template <class A>
const reprise_event_spec* EventAt(std::size_t index) {
  static const auto all = std::apply(
      [](const auto&... event) {
        return std::vector<reprise_event_spec>{
            {sizeof(reprise_event_spec), ToAbi(event.name), ToAbi(event.doc),
             event.when == When::kTimer ? 1 : 0,
             &SpecAt<typename std::remove_cvref_t<decltype(event)>::Adds, Use::kPayload>}...};
      },
      A::kEvents);
  return index < all.size() ? &all[index] : nullptr;
}

template <class Part>
std::string NameOfPart() {
  return std::string(Part::ForPlugin::kAbout.name) + "." + std::string(Part::kAbout.name);
}

// ---- verdicts

inline void Finish(const reprise_call* call, const Outcome& outcome) {
  const reprise_outcome abi{sizeof(reprise_outcome), outcome.verdict,       outcome.after.count(),
                            ToAbi(outcome.code),     ToAbi(outcome.detail), ToAbi(outcome.memo)};
  call->host->finish(call->ctx, &abi);
}

/// Answers what the contract does not allow become a Retry that says whose fault it was.
template <class A>
Outcome Checked(Outcome outcome, bool undo) {
  if (outcome.verdict == Outcome::kKept && !undo) {
    return Retry("internal", NameOfPart<A>() + " answered Kept to a Do (plugin's fault)");
  }
  if (outcome.verdict == Outcome::kFail && !Declared<A>(outcome.code)) {
    return Retry("internal", NameOfPart<A>() + " failed with undeclared code '" + outcome.code +
                                 "' (plugin's fault): " + outcome.detail);
  }
  return outcome;
}

/// The outcome of input that could not be read.
inline Outcome Unreadable(const Error& error) {
  if (error.code == Code::kInvalid) return Fail(kBadPayload.code, error.message);
  return error;
}

template <class A>
void RunOne(const void* self, const reprise_call* call, bool undo) {
  Outcome outcome;
  const std::string thrown = Guarded([&] {
    Context context(call);
    const auto in = context.In<typename A::Input>();
    if (!in) {
      outcome = Unreadable(in.error());
      return;
    }
    const auto& action = *static_cast<const A*>(self);
    outcome = Checked<A>(undo ? action.Undo(context, *in) : action.Do(context, *in), undo);
  });
  if (!thrown.empty()) outcome = Retry("exception", thrown);
  Finish(call, outcome);
}

template <class A>
struct ActionTable {
  using P = typename A::ForPlugin;
  using In = typename A::Input;
  using With = typename A::Settings;
  static_assert(kHasUndo<A> || !A::kUndo,
                "an action without Undo must say `static constexpr bool kUndo = false;`");
  static_assert(A::kEffects == Effects::kExternal || !kHasReconcile<A>,
                "only external actions are reconciled");

  static void* Create(void* plugin, const reprise_value* with, std::size_t n, WhyFn why,
                      void* user) {
    A* made = nullptr;
    const std::string thrown = Guarded([&] {
      auto action = std::make_unique<A>();
      Access::Bind<BaseOf<A>>(*action, static_cast<const P*>(plugin));
      const Status read = ReadSettings(Access::WithOf<BaseOf<A>>(*action), with, n);
      if (read)
        made = action.release();
      else
        Tell(why, user, "setting " + read.error().message);
    });
    if (!thrown.empty()) Tell(why, user, thrown);
    return made;
  }
  static void Destroy(void* self) { delete static_cast<A*>(self); }
  static void Do(const void* self, const reprise_call* call) { RunOne<A>(self, call, false); }
  static void Undo(const void* self, const reprise_call* call) { RunOne<A>(self, call, true); }

  static void Reconcile(const void* self, const reprise_call* call) {
    Found found;
    const std::string thrown = Guarded([&] {
      Context context(call);
      if (const auto in = context.In<In>())
        found = static_cast<const A*>(self)->Reconcile(context, *in);
      else
        context.Log(Level::kWarning, "reconcile: bad payload: {}", in.error().message);
    });
    if (!thrown.empty()) {
      found = {};
      Context(call).Log(Level::kWarning, "reconcile threw: {}", thrown);
    }
    call->host->found(call->ctx, found.what, ToAbi(found.memo));
  }

  static reprise_status DoAll(const void* self, const reprise_call* const* calls, std::size_t n) {
    if (n == 0) return {REPRISE_OK, {nullptr, 0}};
    Status status;
    const std::string thrown =
        Guarded([&] { status = DoItems(*static_cast<const A*>(self), calls, n); });
    if (!thrown.empty()) status = Error{Code::kInternal, thrown};
    if (status) return {REPRISE_OK, {nullptr, 0}};
    Context(calls[0]).Log(Level::kDebug, "{}: one by one: {}", NameOfPart<A>(),
                          status.error().message);
    return {static_cast<std::int32_t>(status.error().code), {nullptr, 0}};
  }

  template <class T>
  static Status ReadSettings(T& settings, const reprise_value* values, std::size_t n) {
    const auto source = [&](std::string_view, std::size_t index, reprise_value& out) {
      if (index < n) out = values[index];
      return reprise_status{REPRISE_OK, {nullptr, 0}};
    };
    return Read(settings, source, true);
  }

 private:
  static Status DoItems(const A& action, const reprise_call* const* calls, std::size_t n) {
    std::vector<typename Batch<In>::Item> items;
    items.reserve(n);
    for (std::size_t i = 0; i < n; ++i) {
      auto in = Context(calls[i]).In<In>();
      if (!in) return in.error();
      items.emplace_back(calls[i], *std::move(in));
    }
    Batch<In> batch(std::move(items));
    if (Status status = action.DoAll(batch); !status) return status;
    for (std::size_t i = 0; i < n; ++i) {
      if (!batch[i].outcome()) return Error{Code::kInvalid, "an item has no outcome"};
    }
    for (std::size_t i = 0; i < n; ++i) Finish(calls[i], Checked<A>(*batch[i].outcome(), false));
    return {};
  }

 public:
  static constexpr reprise_action kTable{
      .size = sizeof(reprise_action),
      .name = ToAbi(A::kAbout.name),
      .summary = ToAbi(A::kAbout.summary),
      .external = A::kEffects == Effects::kExternal ? 1 : 0,
      .idempotent = A::kIdempotent ? 1 : 0,
      .can_undo = A::kUndo ? 1 : 0,
      .in = &SpecAt<In, Use::kPayload>,
      .with = &SpecAt<With, Use::kSettings>,
      .event_at = &EventAt<A>,
      .error_at = &ProblemAt<A>,
      .create = &Create,
      .destroy = &Destroy,
      .run_do = &Do,
      .run_undo = &Undo,
      .run_reconcile = kHasReconcile<A> ? &Reconcile : nullptr,
      .run_do_all = kHasDoAll<A> ? &DoAll : nullptr,
  };
};

template <class Q>
struct QuestionTable {
  using P = typename Q::ForPlugin;
  using Base = Question<P, typename Q::Input, typename Q::Output>;

  static void Ask(void* plugin, const reprise_call* call) {
    Answer answer;
    const std::string thrown =
        Guarded([&] { answer = Checked(Run(*static_cast<const P*>(plugin), call)); });
    if (!thrown.empty()) answer = Refuse(kInternal.code, NameOfPart<Q>() + " threw: " + thrown);
    const std::vector<reprise_field> fields = answer.fields.abi();
    const reprise_answer abi{sizeof(reprise_answer), answer.kind,         answer.http,
                             fields.data(),          fields.size(),       ToAbi(answer.body),
                             ToAbi(answer.code),     ToAbi(answer.detail)};
    call->host->answer(call->ctx, &abi);
  }

 private:
  static Answer Run(const P& plugin, const reprise_call* call) {
    Asking asking(call);
    const auto in = asking.In<typename Q::Input>();
    if (!in && in.error().code == Code::kInvalid)
      return Refuse(kBadPayload.code, in.error().message);
    if (!in) return in.error();
    Q question;
    Access::Bind<Base>(question, &plugin);
    return question.Ask(asking, *in);
  }

  static Answer Checked(Answer answer) {
    if (answer.kind == Answer::kRefuse && !Declared<Q>(answer.code)) {
      return Refuse(kInternal.code, NameOfPart<Q>() + " refused with undeclared code '" +
                                        answer.code + "' (plugin's fault): " + answer.detail);
    }
    if (answer.kind != Answer::kAdd) return answer;
    const auto& specs = SpecsOf<typename Q::Output, Use::kPayload>();
    for (const Field& field : answer.fields) {
      const bool known = std::any_of(specs.begin(), specs.end(), [&](const Spec& spec) {
        return FromAbi(spec.abi.name) == field.name;
      });
      if (!known) {
        return Refuse(kInternal.code, NameOfPart<Q>() + " added undeclared field '" + field.name +
                                          "' (plugin's fault)");
      }
    }
    return answer;
  }

 public:
  static constexpr reprise_question kTable{
      .size = sizeof(reprise_question),
      .name = ToAbi(Q::kAbout.name),
      .summary = ToAbi(Q::kAbout.summary),
      .in = &SpecAt<typename Q::Input, Use::kPayload>,
      .out = &SpecAt<typename Q::Output, Use::kPayload>,
      .error_at = &ProblemAt<Q>,
      .ask = &Ask,
  };
};

template <class P, class... Parts>
struct PluginTable {
  static_assert((std::same_as<typename Parts::ForPlugin, P> && ...),
                "REPRISE_PLUGIN: a part of another plugin");
  static_assert(((IsAction<Parts> || IsQuestion<Parts>)&&...),
                "REPRISE_PLUGIN: neither an Action nor a Question");
  static constexpr bool Unique() {
    const std::array<std::string_view, sizeof...(Parts)> names{Parts::kAbout.name...};
    for (std::size_t i = 0; i < names.size(); ++i) {
      for (std::size_t k = 0; k < i; ++k) {
        if (names[i] == names[k]) return false;
      }
    }
    return true;
  }
  static_assert(Unique(), "REPRISE_PLUGIN: two parts of one name");

  static const reprise_action* ActionAt(std::size_t index) {
    return Nth<reprise_action>(index, [](auto part) -> const reprise_action* {
      using Part = typename decltype(part)::type;
      if constexpr (IsQuestion<Part>)
        return nullptr;
      else
        return &ActionTable<Part>::kTable;
    });
  }
  static const reprise_question* QuestionAt(std::size_t index) {
    return Nth<reprise_question>(index, [](auto part) -> const reprise_question* {
      using Part = typename decltype(part)::type;
      if constexpr (IsQuestion<Part>)
        return &QuestionTable<Part>::kTable;
      else
        return nullptr;
    });
  }
  static const reprise_migration* MigrationAt(std::size_t index) {
    static const std::vector<reprise_migration> all = [] {
      std::vector<reprise_migration> list;
      for (const Migration& m : P::kMigrations) {
        const reprise_str postgres =
            m.postgres.empty() ? reprise_str{nullptr, 0} : ToAbi(m.postgres);
        list.push_back({sizeof(reprise_migration), m.number, ToAbi(m.sql), postgres});
      }
      return list;
    }();
    return index < all.size() ? &all[index] : nullptr;
  }

  static void* Create(const reprise_value* settings, std::size_t n, WhyFn why, void* user) {
    P* made = nullptr;
    const std::string thrown = Guarded([&] {
      auto plugin = std::make_unique<P>();
      auto& to = Access::SettingsOf<Plugin<typename P::Settings>>(*plugin);
      const auto source = [&](std::string_view, std::size_t index, reprise_value& out) {
        if (index < n) out = settings[index];
        return reprise_status{REPRISE_OK, {nullptr, 0}};
      };
      const Status read = Read(to, source, true);
      if (read)
        made = plugin.release();
      else
        Tell(why, user, "setting " + read.error().message);
    });
    if (!thrown.empty()) Tell(why, user, thrown);
    return made;
  }
  static void Destroy(void* plugin) { delete static_cast<P*>(plugin); }
  static void Start(void* plugin, const reprise_call* call) {
    Outcome outcome;
    const std::string thrown = Guarded([&] {
      Context context(call);
      outcome = static_cast<P*>(plugin)->Start(context);
    });
    if (!thrown.empty()) outcome = Retry("exception", thrown);
    Finish(call, outcome);
  }

  static constexpr reprise_plugin kTable{
      .size = sizeof(reprise_plugin),
      .name = ToAbi(P::kAbout.name),
      .version = ToAbi(P::kAbout.version),
      .summary = ToAbi(P::kAbout.summary),
      .setting_at = &SpecAt<typename P::Settings, Use::kSettings>,
      .migration_at = &MigrationAt,
      .action_at = &ActionAt,
      .question_at = &QuestionAt,
      .create = &Create,
      .destroy = &Destroy,
      .start = &Start,
  };

  static constexpr reprise_entry kEntry{
      .size = sizeof(reprise_entry),
      .abi_major = REPRISE_ABI_MAJOR,
      .abi_minor = REPRISE_ABI_MINOR,
      .built_with = ToAbi("g++ " __VERSION__),
      .plugin = &kTable,
  };

 private:
  template <class T, class Pick>
  static const T* Nth(std::size_t index, Pick pick) {
    const std::array<const T*, sizeof...(Parts)> all{pick(std::type_identity<Parts>{})...};
    for (const T* one : all) {
      if (one != nullptr && index-- == 0) return one;
    }
    return nullptr;
  }
};

}  // namespace reprise::detail

/// Once per .so, in any namespace: the Plugin class, then its Actions and Questions in any order.
#define REPRISE_PLUGIN(...)                                                                   \
  extern "C" {                                                                                \
  REPRISE_EXPORT extern const reprise_entry reprise_entry_v1;                                 \
  const reprise_entry reprise_entry_v1 = ::reprise::detail::PluginTable<__VA_ARGS__>::kEntry; \
  }                                                                                           \
  static_assert(true, "REPRISE_PLUGIN wants a semicolon")
