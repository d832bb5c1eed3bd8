#include "plugin/action.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "base/suggest.h"
#include "plugin/attempt.h"

namespace reprise::runtime {
namespace {

CallKind KindOf(const Call& call) {
  if (call.reconcile) return kCallReconcile;
  return call.phase == Phase::kDo ? kCallDo : kCallUndo;
}

Error NoAction(const PluginInfo& plugin, const std::string& action) {
  std::vector<std::string> known;
  for (const ActionInfo& info : plugin.actions) known.push_back(info.name);
  return {Code::kNotFound, fmt::format("plugin '{}' {} has no action '{}'{}", plugin.name,
                                       plugin.version, action, DidYouMean(action, known))};
}

/// Nothing to call: an Undo that is declared away, a Reconcile that is not offered.
void NotOffered(const reprise_ctx& ctx, Call& call) {
  call.finished = true;
  if (call.reconcile) return;  // found: unknown
  call.outcome.verdict = Verdict::kFail;
  call.outcome.code = "internal";
  call.outcome.detail = fmt::format("plugin {} cannot undo", ctx.callee->name());
}

}  // namespace

Result<std::unique_ptr<Action>> BoundAction::Create(std::shared_ptr<PluginInstance> instance,
                                                    const Step& step) {
  const ActionInfo* const info = instance->info().FindAction(step.action);
  const reprise_action* const table = instance->FindAction(step.action);
  if (info == nullptr || table == nullptr) return NoAction(instance->info(), step.action);
  std::unique_ptr<BoundAction> action(new BoundAction(std::move(instance), *info, *table));
  Arena arena;
  const std::vector<reprise_value> with = SettingsToAbi(info->with, step.with, arena);
  const Result<void*> self = RunCreate(action->callee_.name(), [&](auto why, void* user) {
    return table->create(action->instance_->self(), with.data(), with.size(), why, user);
  });
  if (!self) return self.error();
  action->self_ = *self;
  return std::unique_ptr<Action>(std::move(action));
}

BoundAction::BoundAction(std::shared_ptr<PluginInstance> instance, const ActionInfo& info,
                         const reprise_action& table)
    : instance_(std::move(instance)),
      info_(info),
      table_(table),
      callee_(instance_->info().name, info.name, instance_->metrics()) {
  callee_.action = &info_;
}

BoundAction::~BoundAction() {
  if (self_ == nullptr) return;
  try {
    table_.destroy(self_);
  } catch (...) {
    Log(LogLevel::kError, "an action threw while it was destroyed (plugin's fault)",
        {{"plugin", callee_.name()}});
  }
}

void BoundAction::Run(Call& call) const {
  call.outcome = {};
  call.finished = false;
  call.found = REPRISE_FOUND_UNKNOWN;
  call.ClearEffects();
  const CallKind kind = KindOf(call);
  const LiveContext ctx(kind, callee_, call);
  const auto run = kind == kCallDo     ? table_.run_do
                   : kind == kCallUndo ? table_.run_undo
                                       : table_.run_reconcile;
  if (run == nullptr) return NotOffered(*ctx, call);
  std::string what;
  const bool returned = RunGuarded(*ctx, what, [&] { run(self_, &ctx->abi); });
  Settle(*ctx, returned, what);
}

bool BoundAction::RunAll(std::span<Call* const> calls) const {
  if (!info_.takes_all || calls.empty()) return false;
  std::vector<LiveContext> contexts;
  std::vector<const reprise_call*> table;
  contexts.reserve(calls.size());
  table.reserve(calls.size());
  for (Call* const call : calls) {
    call->outcome = {};
    call->finished = false;
    call->ClearEffects();
    table.push_back(&contexts.emplace_back(kCallDo, callee_, *call)->abi);
  }
  reprise_status status = Ok();
  std::string what;
  const bool returned = RunGuarded(*contexts.front(), what, [&] {
    status = table_.run_do_all(self_, table.data(), table.size());
  });
  const bool all =
      returned && status.code == REPRISE_OK &&
      std::ranges::all_of(contexts, [](const LiveContext& ctx) {
        return ctx->ended && ctx->lost == Code::kOk && ctx->call->outcome.verdict == Verdict::kDone;
      });
  if (all) return true;
  for (Call* const call : calls) {  // each will be run by itself
    call->finished = false;
    call->ClearEffects();
  }
  return false;
}

}  // namespace reprise::runtime
