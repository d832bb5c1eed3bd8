/// The test kit: another host of the plugin ABI, on SQLite in memory with a clock one moves; with
/// REPRISE_TESTKIT_POSTGRES on PostgreSQL.
///
///   TEST(Hold, FreesTheSeatWhenUndone) {
///     Kit<Hold> kit{{.for_ = 5min}};
///     ASSERT_TRUE(kit.Do({.seatId = "A-1"}).done());
///     EXPECT_EQ(kit.Sql("SELECT status FROM seat_row"), "held");
///     kit.Undo();
///     EXPECT_EQ(kit.Sql("SELECT status FROM seat_row"), "free");
///   }
///   TEST(Hold, KeepsTheLaws) { EXPECT_EQ(Kit<Hold>().Laws({.seatId = "A-1"}), kLawful); }
///
/// The program must hold REPRISE_PLUGIN of the plugin: include its .cpp, or link it.
#pragma once

#include <array>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include <reprise/testkit/host.hpp>

namespace reprise {

/// What Laws answers when all hold.
inline const std::vector<std::string> kLawful{};

template <class A>
class Kit {
 public:
  using In = typename A::Input;
  using With = typename A::Settings;
  using Settings = typename A::ForPlugin::Settings;

  /// The step's settings and the plugin's.
  explicit Kit(const With& with = {}, const Settings& settings = {})
      : host_(
            std::make_shared<testkit::Host>(*reprise_entry_v1.plugin, detail::ValuesOf(settings))) {
    Bind(with);
  }
  /// Settings that need to know where Http() listens:
  ///   Kit<Issue> kit{{}, [](const HttpServer& http) { return Settings{.url = http.url()}; }};
  template <std::invocable<const HttpServer&> Make>
  Kit(const With& with, Make make) {
    auto http = std::make_unique<HttpServer>();
    const Settings settings = make(*http);
    host_ = std::make_shared<testkit::Host>(*reprise_entry_v1.plugin, detail::ValuesOf(settings),
                                            std::move(http));
    Bind(with);
  }
  /// Another action of the same plugin on the same tables and clock: `Kit<Claim> claim{hold};`
  template <class Other>
  requires(!std::same_as<A, Other>) explicit Kit(const Kit<Other>& other, const With& with = {})
      : host_(other.host()) {
    Bind(with);
  }
  ~Kit() { bound_.action->destroy(bound_.self); }
  Kit(const Kit&) = delete;
  Kit& operator=(const Kit&) = delete;

  /// A new saga's step.  If the last Do of the same input did not end (Retry, Later, crashed), it
  /// is that one's next attempt.  `more`: fields of the payload beside In, for settings that name
  /// fields.
  Ran Do(const In& in, const Fields& more = {}) {
    Fields payload = Merged(in, more);
    const bool again = ran_ && (ran_->retry() || ran_->later()) && Same(payload, ran_->payload);
    return Keep(Call(testkit::Phase::kDo, again ? ran_->saga : host_->NewSaga(), payload, {},
                     again ? ran_->attempt + 1 : 1));
  }
  /// The last Do once more, with the same saga and the same idempotency key.
  Ran Redo() {
    const Ran& last = Previous();
    return Keep(Call(testkit::Phase::kDo, last.saga, last.payload, {}, last.attempt + 1));
  }
  /// In one batch, a saga each; see batched().
  std::vector<Ran> DoAll(const std::vector<In>& ins) {
    std::vector<testkit::Order> orders;
    for (const In& in : ins)
      orders.push_back({testkit::Phase::kDo, host_->NewSaga(), {}, Fields(in), RootOf(Fields(in))});
    std::vector<Ran> ran = host_->RunAll(bound_, orders, batched_);
    if (!ran.empty()) ran_ = ran.back();
    return ran;
  }
  /// Whether the last DoAll was one batch: false if the action has none, or gave up on it.
  bool batched() const { return batched_; }

  /// Undoes the last Do, or a given one.
  Ran Undo() { return Undo(Previous()); }
  Ran Undo(const Ran& did) { return UndoAs(did, Last::kDone, did.memo); }
  /// Of a Do whose fate nobody knows: the last one, or one that is not known here at all.
  Ran UndoUnknown() { return UndoAs(Previous(), Last::kUnknown, {}); }
  Ran UndoUnknown(const In& in) { return UndoAs(Never(Fields(in)), Last::kUnknown, {}); }
  /// Of a step that never ran: it gets the saga's first payload.
  Ran UndoNever(const Fields& root) { return UndoAs(Never(root), Last::kNever, {}); }
  /// External actions: what became of the last Do.  See Ran::found.
  Ran Reconcile() {
    const Ran& last = Previous();
    return Call(testkit::Phase::kReconcile, last.saga, last.payload, last.memo, last.attempt);
  }

  template <class Q>
  Asked Ask(const typename Q::Input& in = {}) {
    return host_->Ask(Q::kAbout.name, Fields(in));
  }

  /// Answers rows as the sqlite3 shell prints them: "A-1|held\nA-2|free".
  template <class... Args>
  std::string Sql(std::string_view sql, const Args&... args) {
    return host_->Sql(sql, {detail::ValueOf(args)...});
  }

  /// Moves the clock; answers the events of timers that came due.
  std::vector<Emitted> Advance(Millis by) { return host_->Advance(by); }
  Time Now() const { return host_->now; }

  // -- what the next calls see
  /// Every call from now on is of this saga, as several steps of one are; empty: each Do has a new
  /// one.
  Kit& InSaga(std::string_view id) { return host_->saga = id, *this; }
  Kit& Key(std::string_view key) { return host_->key = key, *this; }
  Kit& Bearer(std::string_view token) { return host_->bearer = token, *this; }
  Kit& Remaining(Millis left) { return host_->remaining = left, *this; }
  Kit& Cancel(bool cancelled = true) { return host_->cancelled = cancelled, *this; }
  /// The saga's first payload; by default the step's own.
  Kit& Root(const Fields& root) { return root_ = root, *this; }
  /// JSON for Context::others of an `undo: last` step.
  Kit& Others(std::string_view json) { return host_->others = json, *this; }
  /// A saga that questions can see.
  Kit& Saga(std::string_view id, std::string_view state, const Fields& root = {}) {
    return host_->SetSaga(id, state, root), *this;
  }

  // -- faults, of the next call only
  /// The n-th host call (from 1) fails as unavailable.
  Kit& FailCall(int n) { return host_->fail_call = n, *this; }
  /// The process dies after n host calls, at the latest before the outcome is known.
  Kit& CrashAfter(int n) { return host_->crash_after = n, *this; }

  /// Whom external actions call in this test.  Its requests count for the laws.
  HttpServer& Http() { return host_->http(); }

  /// Tries, from the state as it is and back to it:
  ///   undo restores the tables, less A::kRemains and `remains`, unless it answers Kept;
  ///   undo without do changes nothing; undo twice is undo once;
  ///   do twice is do once, of actions that say kIdempotent (the others are never asked twice);
  ///   a fault or a crash at every host call, then a retry, ends as if nothing had failed;
  ///   DoAll of the inputs equals Do one by one, if offered.
  /// Answers a sentence for each that does not hold.
  std::vector<std::string> Laws(const In& in, const std::vector<std::string>& remains = {}) {
    return Laws(std::vector<In>{in}, remains);
  }
  template <std::same_as<In> T>  // not deduced from braces, which stay one In
  std::vector<std::string> Laws(const std::vector<T>& ins,
                                const std::vector<std::string>& remains = {}) {
    std::vector<Fields> inputs;
    for (const In& in : ins) inputs.push_back(Merged(in, law_fields_));
    testkit::Bound bound = bound_;
    bound.remains.insert(bound.remains.end(), remains.begin(), remains.end());
    return testkit::BrokenLaws(*host_, bound, inputs);
  }
  /// Fields that Laws puts beside In.
  Kit& More(const Fields& more) { return law_fields_ = more, *this; }

  const std::shared_ptr<testkit::Host>& host() const { return host_; }

 private:
  void Bind(const With& with) {
    bound_ = host_->Bind(A::kAbout.name, detail::ValuesOf(with));
    for (const std::string_view entry : A::kRemains) bound_.remains.emplace_back(entry);
  }

  static Fields Merged(const In& in, const Fields& more) {
    Fields payload(in);
    for (const Field& field : more) payload.Set(field.name, field.value);
    return payload;
  }
  static bool Same(const Fields& a, const Fields& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

  Fields RootOf(const Fields& payload) const { return root_.empty() ? payload : root_; }

  Ran Never(const Fields& payload) {
    Ran ran;
    ran.saga = host_->NewSaga();
    ran.payload = payload;
    return ran;
  }
  Ran UndoAs(const Ran& did, Last last, const std::string& memo) {
    testkit::Order order{testkit::Phase::kUndo, did.saga, memo, did.payload,
                         RootOf(did.payload),   1,        last};
    return host_->Run(bound_, order);
  }
  Ran Call(testkit::Phase phase, const std::string& saga, const Fields& payload,
           const std::string& memo, int attempt) {
    return host_->Run(bound_, {phase, saga, memo, payload, RootOf(payload), attempt, Last::kDone});
  }
  Ran Keep(Ran ran) {
    ran_ = ran;
    return ran;
  }
  const Ran& Previous() const {
    if (!ran_) throw std::runtime_error("there was no Do before");
    return *ran_;
  }

  std::shared_ptr<testkit::Host> host_;
  testkit::Bound bound_;
  std::optional<Ran> ran_;  // the last Do
  Fields root_, law_fields_;
  bool batched_ = false;
};

}  // namespace reprise
