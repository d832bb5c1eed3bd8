/// The one include of a plugin: its class, its actions and questions, and REPRISE_PLUGIN.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <reprise/context.hpp>

namespace reprise {

struct About {
  std::string_view name, version = {}, summary = {};  // actions and questions leave `version` empty
};

/// An error that an action or a question may answer, and its HTTP status.
struct Problem {
  std::string_view code;
  int http = 500;
  std::string_view doc = {};
};

/// Errors that need no declaration: the SDK answers them, and declares them where they fit.
inline constexpr Problem kBadPayload{
    "bad_payload", 400, "A field of the input is missing, ill-typed or out of bounds."};
inline constexpr Problem kInternal{"internal", 500,
                                   "The plugin or what it stands on failed for good."};
inline constexpr Problem kHttpRefused{"http_refused", 502, "The other side refused the request."};
inline constexpr Problem kUnavailable{"unavailable", 503,
                                      "What the plugin stands on does not answer now."};

/// Run once per journal, in order of number.  Tables begin with the plugin's name.
struct Migration {
  int number;
  std::string_view sql, postgres = {};  // postgres: only where it must differ
};

/// Transactional: touches nothing but Query and what the context offers, commits with the journal.
/// External: calls the outside; no Query; memo and event commit after the call.
enum class Effects { kTransactional, kExternal };

namespace detail {
struct Access;
}

/// A plugin: settings from the deployment file, tables, Start.  Also declare:
///   static constexpr About kAbout{"seat", "1.0.0", "Seats and who has them."};
///   static constexpr Migration kMigrations[] = {{1, "CREATE TABLE seat_row (...)"}};      //
///   optional
template <Described S = Nothing>
class Plugin {
 public:
  using Settings = S;
  static constexpr std::array<Migration, 0> kMigrations{};

  virtual ~Plugin() = default;
  /// Once per start of a runtime, in a transaction, under a lock.
  virtual Status Start(Context&) { return {}; }
  const S& settings() const { return settings_; }

 private:
  friend detail::Access;
  S settings_{};
};

template <class In>
class Batch;

/// What a step does and undoes.  Declares:
///   static constexpr About kAbout{.name = "hold", .summary = "Holds a seat."};
///   static constexpr std::tuple kEvents{Event<HeldAdds>{"held", "..."}, Event<>{"rejected",
///   "..."}}; static constexpr Problem kErrors[] = {{"sold_out", 409, "..."}};
/// Threads: Do and Undo run on many at once; an action holds no state.
template <class P, Described In, Described With = Nothing>
class Action {
 public:
  using ForPlugin = P;
  using Input = In;
  using Settings = With;

  static constexpr std::tuple<> kEvents{};
  static constexpr std::array<Problem, 0> kErrors{};
  static constexpr Effects kEffects = Effects::kTransactional;
  static constexpr bool kIdempotent = false;  // external: the same key may be called again
  static constexpr bool kUndo = true;         // false: Undo is never called
  /// What an Undo leaves on purpose, for the test kit: "table", "table.column" or "table where
  /// condition".
  static constexpr std::array<std::string_view, 0> kRemains{};

  virtual ~Action() = default;
  virtual Outcome Do(Context&, const In&) const = 0;
  /// Must be overridden unless kUndo is false.
  virtual Outcome Undo(Context&, const In&) const { return Done(); }
  /// External: did it happen?  May Emit, as Do.
  virtual Found Reconcile(Context&, const In&) const { return {Found::kUnknown, {}}; }
  /// Many items of distinct keys at once; an error, or an item without an outcome: all run one by
  /// one.
  virtual Status DoAll(Batch<In>&) const { return Error{Code::kInvalid, "not offered"}; }

  const P& plugin() const { return *plugin_; }
  const With& with() const { return with_; }

 private:
  friend detail::Access;
  const P* plugin_ = nullptr;
  With with_{};
};

/// A check, a reply or a stream.  Declares kAbout and kErrors; `Out`: what it adds or replies.
template <class P, Described In = Nothing, Described Out = Nothing>
class Question {
 public:
  using ForPlugin = P;
  using Input = In;
  using Output = Out;

  static constexpr std::array<Problem, 0> kErrors{};

  virtual ~Question() = default;
  virtual Answer Ask(Asking&, const In&) const = 0;
  const P& plugin() const { return *plugin_; }

 private:
  friend detail::Access;
  const P* plugin_ = nullptr;
};

/// The items of a DoAll.
template <class In>
class Batch {
 public:
  class Item {
   public:
    Item(const reprise_call* call, In in) : context_(call), in_(std::move(in)) {}
    const In& in() const { return in_; }
    /// This item's own: Emit, After, saga_id and so on.
    Context& context() { return context_; }
    void Done(std::string_view memo = {}) { outcome_ = reprise::Done(memo); }
    void Finish(Outcome outcome) { outcome_ = std::move(outcome); }
    const std::optional<Outcome>& outcome() const { return outcome_; }

   private:
    Context context_;
    In in_;
    std::optional<Outcome> outcome_;
  };

  explicit Batch(std::vector<Item> items) : items_(std::move(items)) {}

  auto begin() { return items_.begin(); }
  auto end() { return items_.end(); }
  std::size_t size() const { return items_.size(); }
  Item& operator[](std::size_t index) { return items_[index]; }

  Time Now() { return items_.front().context().Now(); }
  /// Statements for the whole batch.
  template <class... Args>
  Result<Rows> Query(std::string_view sql, const Args&... args) {
    return items_.front().context().Query(sql, args...);
  }
  Result<Rows> QueryRows(std::string_view sql, const Table& rows) {
    return items_.front().context().QueryRows(sql, rows);
  }

 private:
  std::vector<Item> items_;
};

}  // namespace reprise

#include <reprise/entry.hpp>  // REPRISE_PLUGIN and what stands behind it
