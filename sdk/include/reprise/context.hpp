/// What a step and a question may touch: nothing else.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <reprise/describe.hpp>
#include <reprise/outcome.hpp>
#include <reprise/result.hpp>
#include <reprise/rows.hpp>
#include <reprise/time.hpp>
#include <reprise/value.hpp>

namespace reprise {

/// What Undo knows of Do.
enum class Last : std::int32_t {
  kDone = REPRISE_LAST_DONE,
  kUnknown = REPRISE_LAST_UNKNOWN,
  kNever = REPRISE_LAST_NEVER
};

enum class Level : std::int32_t { kDebug = 0, kInfo = 1, kWarning = 2, kError = 3 };

/// When an event comes: from Do itself (those are alternatives), or from a timer that Do armed.
enum class When { kDo, kTimer };

/// An event an action may emit; `Added` are the fields it sets on the payload.
template <Described Added = Nothing>
struct Event {
  using Adds = Added;
  std::string_view name, doc;
  When when = When::kDo;
};

struct SagaView {
  std::string state;  // running, undoing, done, undone, stuck
  Json root;
};

namespace detail {

/// "{}" stands for the next argument, as in std::format; the plain ones only.
template <class... Args>
std::string Format(std::string_view format, const Args&... args) {
  std::ostringstream text;
  [[maybe_unused]] const auto upto = [&](auto& out) {
    const std::size_t brace = format.find("{}");
    out << format.substr(0, brace);
    if (brace == std::string_view::npos) return format = {}, false;
    format.remove_prefix(brace + 2);
    return true;
  };
  ((upto(text) ? static_cast<void>(text << args) : static_cast<void>(text << ' ' << args)), ...);
  text << format;
  return text.str();
}

/// Collects rows; nothing may be thrown through the host.
struct RowSink {
  Rows rows;
  bool full = false;
  static void Take(void* self, const reprise_value* columns, std::size_t n) noexcept {
    auto* sink = static_cast<RowSink*>(self);
    try {
      sink->rows.Append(columns, n);
    } catch (...) {
      sink->full = true;
    }
  }
};

/// What steps and questions share.  Threads: the one the plugin was called on, until it returns;
/// Log, Metric, Cancelled and Remaining from any thread in that time.
class Caller {
 public:
  explicit Caller(const reprise_call* call) : call_(call) {}

  Time Now() const { return FromMillis(Number(REPRISE_NOW)); }
  /// Until the deadline of this attempt; never negative.
  Millis Remaining() const { return Millis(std::max<std::int64_t>(0, Number(REPRISE_REMAINING))); }
  bool Cancelled() const { return Number(REPRISE_IS_CANCELLED) != 0; }
  std::string_view traceparent() const { return Text(REPRISE_TRACE); }

  /// One statement; `$1..` on every database.  Arguments: numbers, booleans, text, nullptr,
  /// std::optional, Blob, Time and durations (milliseconds).
  template <class... Args>
  Result<Rows> Query(std::string_view sql, const Args&... args) {
    const std::array<reprise_value, sizeof...(Args)> values{ValueOf(args)...};
    RowSink sink;
    std::int64_t affected = 0;
    const reprise_status status = host().query(ctx(), ToAbi(sql), values.data(), values.size(),
                                               &RowSink::Take, &sink, &affected);
    return Collected(status, sink, affected);
  }

  /// A field of the payload by its name, for fields that a setting names.
  template <class T = std::string>
  Result<T> Field(std::string_view name) {
    return FieldOf<T>(REPRISE_OF_PAYLOAD, name);
  }

  template <class... Args>
  void Log(Level level, std::string_view format, const Args&... args) const {
    const std::string text = Format(format, args...);
    host().log(ctx(), static_cast<std::int32_t>(level), ToAbi(text));
  }
  void Metric(std::string_view name, std::int64_t delta = 1) const {
    host().metric(ctx(), ToAbi(name), delta);
  }

  const reprise_call* abi() const { return call_; }

 protected:
  const reprise_host& host() const { return *call_->host; }
  reprise_ctx* ctx() const { return call_->ctx; }
  std::string_view Text(std::int32_t what) const { return FromAbi(host().text(ctx(), what)); }
  std::int64_t Number(std::int32_t what) const { return host().number(ctx(), what); }

  static Result<Rows> Collected(const reprise_status& status, RowSink& sink,
                                std::int64_t affected) {
    if (status.code != REPRISE_OK) return FromAbi(status).error();
    if (sink.full) return Error{Code::kInternal, "out of memory while reading rows"};
    sink.rows.SetAffected(affected);
    return std::move(sink.rows);
  }

  template <class T>
  Result<T> FieldOf(std::int32_t of, std::string_view name) {
    reprise_value value = NullValue();
    const reprise_status status = host().field(ctx(), of, ToAbi(name), &value);
    if (status.code != REPRISE_OK) return FromAbi(status).error();
    T out{};
    if (value.type == REPRISE_NULL)
      return Error{Code::kNotFound, "field '" + std::string(name) + "' is null"};
    if (!Convert(value, out)) {
      return Error{Code::kInvalid, "field '" + std::string(name) + "' must be " +
                                       std::string(TypeName(SpecType<T>())) + ", it is " +
                                       std::string(TypeName(value.type))};
    }
    return out;
  }

  template <Described T>
  Result<T> ReadAll(std::int32_t of, bool may_lack) const {
    T object{};
    const auto source = [this, of](std::string_view name, std::size_t, reprise_value& out) {
      return host().field(ctx(), of, ToAbi(name), &out);
    };
    if (Status read = Read(object, source, may_lack); !read) return read.error();
    return object;
  }

 private:
  const reprise_call* call_;
};

}  // namespace detail

/// What a question may touch.
class Asking : public detail::Caller {
 public:
  using Caller::Caller;

  /// The bearer token, or empty.
  std::string_view bearer() const { return Text(REPRISE_BEARER); }

  /// The counter becomes max(old + delta, floor), at once and atomically; answers the new value.
  Result<std::int64_t> Count(std::string_view counter, std::int64_t delta, std::int64_t floor) {
    std::int64_t out = 0;
    const reprise_status status = host().count(ctx(), detail::ToAbi(counter), delta, floor, &out);
    if (status.code != REPRISE_OK) return detail::FromAbi(status).error();
    return out;
  }

  /// A saga of the own pipeline; kNotFound.
  Result<SagaView> Saga(std::string_view id) {
    reprise_saga_view view{};
    view.size = sizeof(view);
    const reprise_status status = host().saga(ctx(), detail::ToAbi(id), &view);
    if (status.code != REPRISE_OK) return detail::FromAbi(status).error();
    return SagaView{std::string(detail::FromAbi(view.state)),
                    Json{std::string(detail::FromAbi(view.root))}};
  }

  template <Described T>
  Result<T> In() const {
    return ReadAll<T>(REPRISE_OF_PAYLOAD, false);
  }
};

/// What a step may touch.  What it does takes effect if it ends Done (or Kept), else not at all.
class Context : public detail::Caller {
 public:
  using Caller::Caller;

  std::string_view saga_id() const { return Text(REPRISE_SAGA_ID); }
  std::string_view step() const { return Text(REPRISE_STEP); }
  std::string_view key() const { return Text(REPRISE_KEY); }
  std::int64_t item() const { return Number(REPRISE_ITEM); }
  std::int64_t attempt() const { return Number(REPRISE_ATTEMPT); }  // from 1
  /// Stable per (saga, step, phase): what an external call carries, so that a second one is
  /// recognised.
  std::string_view idempotency_key() const { return Text(REPRISE_IDEMPOTENCY_KEY); }
  /// In Undo: the key that Do's call carried.
  std::string_view do_key() const { return Text(REPRISE_DO_KEY); }
  /// In Undo and Reconcile: what Do left with Done(memo).
  std::string_view memo() const { return Text(REPRISE_MEMO); }
  /// In Undo: what is known of Do.
  Last last() const { return static_cast<Last>(Number(REPRISE_LAST)); }
  bool undoing() const { return Number(REPRISE_IS_UNDO) != 0; }
  /// Undo of an `undo: last` step: JSON {"undone": [steps], "kept": [..], "stuck": [..]}.
  std::string_view others() const { return Text(REPRISE_OTHERS); }

  /// The step's payload and the saga's first payload, as JSON text.
  std::string_view payload() const { return Text(REPRISE_PAYLOAD); }
  std::string_view root() const { return Text(REPRISE_ROOT); }
  /// The same as structs.
  template <Described T>
  Result<T> Payload() const {
    return ReadAll<T>(REPRISE_OF_PAYLOAD, false);
  }
  template <Described T>
  Result<T> Root() const {
    return ReadAll<T>(REPRISE_OF_ROOT, false);
  }

  /// One set-based statement for many rows; see Table.
  Result<Rows> QueryRows(std::string_view sql, const Table& rows) {
    std::vector<reprise_str> columns;
    for (const std::string& column : rows.columns()) columns.push_back(detail::ToAbi(column));
    std::vector<reprise_value> cells;
    cells.reserve(rows.cells().size());
    for (const Value& cell : rows.cells()) cells.push_back(cell.abi());
    detail::RowSink sink;
    std::int64_t affected = 0;
    const reprise_status status =
        host().query_rows(ctx(), detail::ToAbi(sql), columns.data(), columns.size(), cells.data(),
                          rows.size(), &detail::RowSink::Take, &sink, &affected);
    return Collected(status, sink, affected);
  }

  /// Emits one of the action's events: the payload goes on with `added` set.  At most one a Do.
  template <Described Added>
  Status Emit(std::string_view event, const Added& added) {
    return EmitFields(event, detail::FieldsOf(added));
  }
  Status Emit(std::string_view event, const Fields& added = {}) {
    return EmitFields(event, added.abi());
  }
  template <Described Added>
  Status Emit(const Event<Added>& event, const std::type_identity_t<Added>& added = {}) {
    return EmitFields(event.name, detail::FieldsOf(added));
  }

  /// The same, after a delay, by a timer that survives restarts and goes with the step's undo.
  template <Described Added>
  Status After(Millis delay, std::string_view event, const Added& added) {
    return AfterFields(delay, event, detail::FieldsOf(added));
  }
  Status After(Millis delay, std::string_view event, const Fields& added = {}) {
    return AfterFields(delay, event, added.abi());
  }
  Status CancelAfter(std::string_view event) {
    return detail::FromAbi(host().cancel_after(ctx(), detail::ToAbi(event)));
  }

  /// A record for a foreign topic, with the commit.  At most 1,000 a call, and 512 KiB in all.
  Status Send(std::string_view topic, std::string_view key, std::string_view bytes) {
    return detail::FromAbi(
        host().send(ctx(), detail::ToAbi(topic), detail::ToAbi(key), detail::ToAbi(bytes)));
  }
  /// The HTTP answer of the request that runs this step inline.
  Status Respond(int http, const Fields& body) {
    const std::vector<reprise_field> fields = body.abi();
    return detail::FromAbi(host().respond(ctx(), http, fields.data(), fields.size()));
  }
  /// Streams of this channel look again after the commit.
  Status Hint(std::string_view channel) {
    return detail::FromAbi(host().hint(ctx(), detail::ToAbi(channel)));
  }

  /// For the SDK: the step's input.  Undo of a step that never ran gets the saga's first payload,
  /// which cannot have what later steps add: what is missing then keeps its initial value.
  template <Described T>
  Result<T> In() const {
    return ReadAll<T>(REPRISE_OF_PAYLOAD, undoing() && last() == Last::kNever);
  }

 private:
  Status EmitFields(std::string_view event, const std::vector<reprise_field>& added) {
    return detail::FromAbi(host().emit(ctx(), detail::ToAbi(event), added.data(), added.size()));
  }
  Status AfterFields(Millis delay, std::string_view event,
                     const std::vector<reprise_field>& added) {
    return detail::FromAbi(
        host().after(ctx(), delay.count(), detail::ToAbi(event), added.data(), added.size()));
  }
};

}  // namespace reprise
