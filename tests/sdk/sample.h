/// A plugin for the tests of the SDK: well-behaved actions, and one for each law that breaks just
/// that law.
#pragma once

#include <reprise/http.hpp>
#include <reprise/plugin.hpp>

namespace reprise::sample {

using namespace std::chrono_literals;  // NOLINT: literals only

struct Settings {
  std::int64_t most = 3;
  std::string url = "http://127.0.0.1:1";
  std::optional<std::string> token;
  static void Describe(auto& d) {
    d("most", &Settings::most, "how many there may be").Min(1).Max(100);
    d("url", &Settings::url, "whom to call");
    d("token", &Settings::token, "what to show them").Secret();
  }
};

class Sample : public Plugin<Settings> {
 public:
  static constexpr About kAbout{"sample", "1.2.3", "For tests."};
  static constexpr Migration kMigrations[] = {
      // SQLite cannot read the second, and on PostgreSQL the first is too narrow.
      {1, "CREATE TABLE sample_row (id TEXT PRIMARY KEY, n INTEGER NOT NULL)",
       "CREATE TABLE sample_row (id TEXT PRIMARY KEY, n BIGINT NOT NULL CHECK (n >= 0::bigint))"},
      {2, "CREATE TABLE sample_start (at BIGINT NOT NULL)"},
  };
  Status Start(Context& ctx) override {
    const auto made = ctx.Query("INSERT INTO sample_start VALUES ($1)", ctx.Now());
    return made ? Status() : made.error();
  }
};

struct Id {
  std::string id;
  std::int64_t n = 1;
  static void Describe(auto& d) {
    d("id", &Id::id, "which row");
    d("n", &Id::n, "its number").Min(0).Max(1000);
  }
};

struct Every {  // every type of a field
  std::string text;
  std::int64_t integer = 0;
  double real = 0;
  bool boolean = false;
  Millis duration{0};
  Json object, array;
  std::optional<std::string> maybe;
  static void Describe(auto& d) {
    d("text", &Every::text, "text");
    d("integer", &Every::integer, "integer");
    d("real", &Every::real, "real").Min(0.5);
    d("boolean", &Every::boolean, "boolean");
    d("duration", &Every::duration, "duration").Max(1h);
    d("object", &Every::object, "object");
    d("array", &Every::array, "array").Array();
    d("maybe", &Every::maybe, "may be absent");
  }
};

struct With {
  std::chrono::minutes for_ = 5min;
  FieldName at{"at"};
  static void Describe(auto& d) {
    d("for", &With::for_, "how long").Min(1min);
    d("at", &With::at, "the field that says when");
  }
};

struct Needs {
  std::string name;
  static void Describe(auto& d) { d("name", &Needs::name, "no default").Required(); }
};

struct Version {
  std::int64_t version = 0;
  static void Describe(auto& d) { d("version", &Version::version, "the row's number"); }
};

/// Keeps every law, also as a batch, and uses all of the context.
class Put : public Action<Sample, Id, With> {
 public:
  static constexpr About kAbout{.name = "put", .summary = "Puts a row."};
  static constexpr std::tuple kEvents{Event<Version>{"put", "it is there"},
                                      Event<>{"full", "there are too many"},
                                      Event<>{"due", "time is over", When::kTimer}};
  static constexpr Problem kErrors[] = {{"taken", 409, "There is one of this id."}};

  Outcome Do(Context& ctx, const Id& in) const override {
    const auto count = ctx.Query("SELECT count(*) FROM sample_row");
    if (!count) return count.error();
    if (count->front().Int(0) >= plugin().settings().most) return ctx.Emit("full");
    const auto made = ctx.Query(
        "INSERT INTO sample_row VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING n", in.id, in.n);
    if (!made) return made.error();
    if (made->empty()) return Fail("taken", in.id);
    if (Status s = ctx.Emit("put", Version{made->front().Int(0)}); !s) return s;
    if (Status s = ctx.After(with().for_, "due"); !s) return s;
    if (Status s = ctx.Send("rows", in.id, "{}"); !s) return s;
    if (Status s = ctx.Hint("rows"); !s) return s;
    ctx.Log(Level::kInfo, "put {} as {}", in.id, in.n);
    ctx.Metric("rows");
    return Done(in.id);
  }
  Outcome Undo(Context& ctx, const Id& in) const override {
    if (ctx.memo().empty()) return Done();
    return ctx.Query("DELETE FROM sample_row WHERE id = $1 AND n = $2", ctx.memo(), in.n);
  }
  Status DoAll(Batch<Id>& batch) const override {
    Table rows{"id", "n"};
    for (auto& item : batch) rows.Add(item.in().id, item.in().n);
    const auto count = batch.Query("SELECT count(*) FROM sample_row");
    if (!count) return count.error();
    if (count->front().Int(0) + static_cast<std::int64_t>(batch.size()) >
        plugin().settings().most) {
      return Error{Code::kConflict, "not for all"};
    }
    const auto made = batch.QueryRows("INSERT INTO sample_row SELECT id, n FROM $rows AS r", rows);
    if (!made) return made.error();
    for (auto& item : batch) {
      Context& ctx = item.context();
      if (Status s = ctx.Emit("put", Version{item.in().n}); !s) return s;
      if (Status s = ctx.After(with().for_, "due"); !s) return s;
      if (Status s = ctx.Send("rows", item.in().id, "{}"); !s) return s;
      if (Status s = ctx.Hint("rows"); !s) return s;
      item.Done(item.in().id);
    }
    return {};
  }
};

/// Answers whatever its input says, to see what the SDK and the host make of it.
struct Say {
  std::string what;
  static void Describe(auto& d) { d("what", &Say::what, "what to answer"); }
};

class Speak : public Action<Sample, Say, With> {
 public:
  static constexpr About kAbout{.name = "speak", .summary = "Answers what it is told."};
  static constexpr std::tuple kEvents{Event<Version>{"said", "it was said"}};
  static constexpr Problem kErrors[] = {{"declared", 422, "It was told so."}};

  Outcome Do(Context& ctx, const Say& in) const override {
    if (in.what == "done") return Done("memo");
    if (in.what == "retry") return Retry("busy", "try again", 5s);
    if (in.what == "later") return Later(1min);
    if (in.what == "kept") return Kept("on purpose");
    if (in.what == "declared") return Fail("declared", "as told");
    if (in.what == "undeclared") return Fail("secret");
    if (in.what == "throw") throw std::runtime_error("thrown");
    if (in.what == "transient") return Error{Code::kUnavailable, "down"};
    if (in.what == "final") return Error{Code::kInvalid, "wrong"};
    if (in.what == "bad event") return ctx.Emit("unheard");
    if (in.what == "lacking event") return ctx.Emit("said");
    if (in.what == "swallowed event") {
      const Status ignored = ctx.Emit("unheard");
      return Done();
    }
    if (in.what == "two events") {
      if (Status s = ctx.Emit("said", Version{1}); !s) return s;
      return ctx.Emit("said", Version{2});
    }
    if (in.what == "field") {
      const auto at = ctx.Field(with().at);
      if (!at) return at.error();
      return Done(*at);
    }
    if (in.what == "commit") return ctx.Query("COMMIT");
    if (in.what == "clock") return ctx.Query("SELECT datetime('now')");
    if (in.what == "two statements") return ctx.Query("SELECT 1; SELECT 2");
    if (in.what == "conflict")
      return ctx.Query("INSERT INTO sample_row SELECT 'x', 1 UNION ALL SELECT 'x', 2");
    if (in.what == "type") {
      const auto rows = ctx.Query("SELECT 'text'");
      return rows ? Done(std::to_string(rows->front().Int(0))) : rows.error();
    }
    return ctx.Respond(201, {{"said", in.what}});
  }
  Outcome Undo(Context& ctx, const Say& in) const override {
    if (ctx.last() == Last::kUnknown) return Kept("unknown");
    if (ctx.last() == Last::kNever) return Kept("never " + in.what);
    return in.what == "kept" ? Kept("on purpose") : Done();
  }
};

class Measure : public Action<Sample, Every> {
 public:
  static constexpr About kAbout{.name = "measure", .summary = "Takes every type."};
  static constexpr bool kUndo = false;
  Outcome Do(Context& ctx, const Every& in) const override {
    ctx.Log(Level::kDebug, "{} {} {} {}", in.text, in.integer, in.real, in.boolean);
    return Done(in.object.text + in.array.text + std::to_string(in.duration.count()) +
                in.maybe.value_or("-"));
  }
};

class Demanding : public Action<Sample, Nothing, Needs> {
 public:
  static constexpr About kAbout{.name = "demanding", .summary = "Has a setting without default."};
  static constexpr bool kUndo = false;
  Outcome Do(Context&, const Nothing&) const override { return Done(with().name); }
};

/// External: makes something elsewhere.
class Call : public Action<Sample, Id> {
 public:
  static constexpr About kAbout{.name = "call", .summary = "Calls out."};
  static constexpr Effects kEffects = Effects::kExternal;
  static constexpr bool kIdempotent = true;
  Outcome Do(Context& ctx, const Id& in) const override {
    const HttpReply reply = Http(ctx, plugin().settings().url)
                                .Bearer(plugin().settings().token.value_or("none"))
                                .Post("/things", Json{"{\"id\":\"" + in.id + "\"}"});
    return reply.ok() ? Done(reply.body) : reply.verdict;
  }
  Outcome Undo(Context& ctx, const Id&) const override {
    if (ctx.last() == Last::kNever || ctx.memo().empty()) return Done();
    return Http(ctx, plugin().settings().url).Patch("/things", Json{"{}"}).verdict;
  }
  Found Reconcile(Context& ctx, const Id&) const override {
    const HttpReply reply = Http(ctx, plugin().settings().url).Get("/things");
    if (reply.status == 200) return {Found::kDone, reply.body};
    return {reply.status == 404 ? Found::kNotDone : Found::kUnknown, {}};
  }
};

struct Found1 {
  std::int64_t n = 0;
  static void Describe(auto& d) { d("n", &Found1::n, "its number"); }
};

class Find : public Question<Sample, Id, Found1> {
 public:
  static constexpr About kAbout{.name = "find", .summary = "Adds a row's number."};
  static constexpr Problem kErrors[] = {{"no_such_row", 404, "There is none."}};
  Answer Ask(Asking& ask, const Id& in) const override {
    if (in.id == "list") return Reply(200, Json{"[1,2]"});
    if (in.id == "object") return Reply(201, {{"a", 1}, {"b", "x"}});
    if (in.id == "undeclared") return Refuse("surprise");
    if (in.id == "extra") return Add({{"n", 1}, {"m", 2}});
    if (in.id == "throw") throw std::runtime_error("thrown");
    if (in.id == "bearer") return Reply(200, {{"bearer", ask.bearer()}});
    if (in.id == "write") {
      const auto wrote = ask.Query("DELETE FROM sample_row");
      return wrote ? Add() : wrote.error();
    }
    if (in.id == "count") {
      const auto count = ask.Count("c", 1, in.n);
      return count ? Reply(200, {{"count", *count}}) : Answer(count.error());
    }
    if (in.id == "saga") {
      const auto saga = ask.Saga("S1");
      return saga ? Reply(200, {{"state", saga->state}, {"root", saga->root}})
                  : Answer(saga.error());
    }
    const auto rows = ask.Query("SELECT n FROM sample_row WHERE id = $1", in.id);
    if (!rows) return rows.error();
    if (rows->empty()) return Refuse("no_such_row", in.id);
    return Add(Found1{rows->front().Int(0)});
  }
};

// ---- each breaks one law

template <class Derived>
class Wrong : public Action<Sample, Id> {
 public:
  static constexpr std::tuple kEvents{Event<>{"put", "it is there"}};
  static constexpr Problem kErrors[] = {{"taken", 409, "There is one of this id."}};

 protected:
  static Outcome Insert(Context& ctx, const Id& in) {
    return ctx.Query("INSERT INTO sample_row VALUES ($1, $2) ON CONFLICT DO NOTHING", in.id, in.n);
  }
  static Outcome Delete(Context& ctx, const Id& in) {
    return ctx.Query("DELETE FROM sample_row WHERE id = $1", in.id);
  }
};

class Leaves : public Wrong<Leaves> {  // its undo restores nothing
 public:
  static constexpr About kAbout{.name = "leaves", .summary = "Wrong."};
  Outcome Do(Context& ctx, const Id& in) const override { return Insert(ctx, in); }
  Outcome Undo(Context&, const Id&) const override { return Done(); }
};

class LeavesKnowingly : public Leaves {  // the same, declared
 public:
  static constexpr About kAbout{.name = "leaves-knowingly", .summary = "Right."};
  static constexpr std::string_view kRemains[] = {"sample_row where n = 1"};
};

class Blind : public Wrong<Blind> {  // undoes what it never did
 public:
  static constexpr About kAbout{.name = "blind", .summary = "Wrong."};
  Outcome Do(Context& ctx, const Id& in) const override {
    return ctx.Query("UPDATE sample_row SET n = n + $2 WHERE id = $1", in.id, in.n);
  }
  Outcome Undo(Context& ctx, const Id& in) const override {
    return ctx.Query("UPDATE sample_row SET n = n - $2 WHERE id = $1", in.id, in.n);
  }
};

class Twice : public Wrong<Twice> {  // says it is idempotent
 public:
  static constexpr About kAbout{.name = "twice", .summary = "Wrong."};
  static constexpr bool kIdempotent = true;
  Outcome Do(Context& ctx, const Id& in) const override {
    return ctx.Query(
        "INSERT INTO sample_row VALUES ($1, 1) ON CONFLICT (id) DO UPDATE SET n = sample_row.n + 1",
        in.id);
  }
  Outcome Undo(Context& ctx, const Id& in) const override { return Delete(ctx, in); }
};

class Hasty : public Wrong<Hasty> {  // takes a fault for an answer
 public:
  static constexpr About kAbout{.name = "hasty", .summary = "Wrong."};
  Outcome Do(Context& ctx, const Id& in) const override {
    const auto rows = ctx.Query("SELECT 1 FROM sample_row WHERE id = $1", in.id);
    if (!rows || !rows->empty()) return Fail("taken");
    return Insert(ctx, in);
  }
  Outcome Undo(Context& ctx, const Id& in) const override { return Delete(ctx, in); }
};

class Deaf : public Wrong<Deaf> {  // goes on after a fault
 public:
  static constexpr About kAbout{.name = "deaf", .summary = "Wrong."};
  Outcome Do(Context& ctx, const Id& in) const override {
    const Status ignored = ctx.Hint("rows");
    return Insert(ctx, in);
  }
  Outcome Undo(Context& ctx, const Id& in) const override { return Delete(ctx, in); }
};

class Different : public Wrong<Different> {  // its batch does something else
 public:
  static constexpr About kAbout{.name = "different", .summary = "Wrong."};
  Outcome Do(Context& ctx, const Id& in) const override { return Insert(ctx, in); }
  Outcome Undo(Context& ctx, const Id& in) const override { return Delete(ctx, in); }
  Status DoAll(Batch<Id>& batch) const override {
    for (auto& item : batch) item.Done();
    return {};
  }
};

class Changing
    : public Wrong<Changing> {  // says it is idempotent, and sends something else the second time
 public:
  static constexpr About kAbout{.name = "changing", .summary = "Wrong."};
  static constexpr Effects kEffects = Effects::kExternal;
  static constexpr bool kIdempotent = true;
  Outcome Do(Context& ctx, const Id&) const override {
    const Json body{"{\"attempt\":" + std::to_string(ctx.attempt()) + "}"};
    return Http(ctx, plugin().settings().url).Post("/things", body).verdict;
  }
  Outcome Undo(Context&, const Id&) const override { return Done(); }
};

}  // namespace reprise::sample
