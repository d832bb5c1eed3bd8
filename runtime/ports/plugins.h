/// Plugins as the executor sees them: actions and questions to be called, whatever is behind the
/// ABI.
///
/// Implemented by plugin/ over loaded .so files.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/catalog.h"
#include "model/decide.h"
#include "ports/journal.h"

namespace reprise::runtime {

/// What one call of an action may touch, and what it left.  Effects count only if the outcome is
/// kDone (or kKept).  Owned by the executor; used on one thread until the call returns.
struct Call {
  // in
  const Step* step = nullptr;
  Phase phase = Phase::kDo;
  bool reconcile = false;
  Uuid saga;
  std::string_view saga_id;  // text form
  std::string_view key, memo, idempotency_key, do_key, trace;
  std::int64_t item = 0;
  std::uint32_t attempt = 1;
  const Payload* payload = nullptr;
  const Payload* root = nullptr;
  Last last = Last::kDone;
  std::string_view others;  // JSON {"undone": [..], "kept": [..], "stuck": [..]} for `undo: last`
  Time now{};
  Time deadline{};
  const std::atomic<bool>* cancelled = nullptr;  // may be null
  Sql* sql = nullptr;                            // null: external

  // out
  Outcome outcome;
  bool finished = false;  // the plugin gave an outcome
  int found = 2;          // reconcile: 0 done, 1 not done, 2 unknown
  struct Emitted {
    std::string event;  // without the step's name
    json::object added;
  };
  std::vector<Emitted> emitted;  // at most one
  struct Armed {
    std::string event;
    Millis delay{0};
    json::object added;
  };
  std::vector<Armed> armed;
  std::vector<std::string> disarmed;
  struct Sent {
    std::string topic, key, bytes;
  };
  std::vector<Sent> sent;
  std::vector<std::string> hints;
  std::optional<std::pair<int, std::string>> response;  // http, JSON body

  /// Nothing is left of what the plugin wants: before it runs (again), or because it failed.
  void ClearEffects() {
    emitted.clear();
    armed.clear();
    disarmed.clear();
    sent.clear();
    hints.clear();
    response.reset();
  }
};

/// What a question may touch, and its answer.
struct Asked {
  // in
  const Payload* fields = nullptr;
  std::string_view bearer;
  Time now{};
  Time deadline{};
  Sql* sql = nullptr;
  Journal* journal = nullptr;  // Count and Saga
  std::string_view pipeline;   // Saga answers of this pipeline only

  // out
  enum Kind { kNone, kAdd, kReply, kRefuse } kind = kNone;
  json::object fields_out;  // kAdd; kReply when the body is an object
  int status = 200;
  std::string body;  // kReply: JSON, as the plugin wrote it
  std::string code, detail;
};

class Action {  // Threads: any number of calls at once; constant.
 public:
  virtual ~Action() = default;
  virtual const ActionInfo& info() const = 0;
  /// Runs Do, Undo or Reconcile as `call.phase` and `call.reconcile` say.  Never throws: what the
  /// plugin throws is a Retry that says whose fault it was.
  virtual void Run(Call& call) const = 0;
  /// DoAll over calls of distinct keys of one step.  False: it has no DoAll or it failed; run one
  /// by one.
  virtual bool RunAll(std::span<Call* const> calls) const = 0;
};

class Plugins {
 public:
  virtual ~Plugins() = default;
  virtual const PluginCatalog& catalog() const = 0;
  /// An action bound to a step's `with`; the executor makes one per (plan, step) and keeps it.
  virtual Result<std::unique_ptr<Action>> Bind(const Step& step) = 0;
  /// Answers a question.  kind kNone with a code: the plugin failed (500).
  virtual void Ask(const QuestionRef& question, Asked& asked) = 0;
  /// Each plugin's Start, in a transaction of the journal, once per start.
  virtual Status Start(Journal& journal, Time now) = 0;
};

}  // namespace reprise::runtime
