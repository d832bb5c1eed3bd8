#include "plugin/context.h"

#include <deque>
#include <mutex>

#include <fmt/format.h>

#include "base/log.h"
#include "plugin/host.h"

namespace reprise::runtime {
namespace {

/// Contexts of threads that ended: kept, for a plugin may still point at them.
void Bury(std::deque<reprise_ctx*>& contexts) {
  static std::mutex mutex;
  static std::vector<reprise_ctx*>& graveyard = *new std::vector<reprise_ctx*>;
  const std::lock_guard lock(mutex);
  graveyard.insert(graveyard.end(), contexts.begin(), contexts.end());
}

/// A thread's contexts that are not in a call, the longest dead first.
class Pool {
 public:
  ~Pool() { Bury(dead_); }

  reprise_ctx* Take() {
    constexpr std::size_t kRestingMin = 16;  // so many calls later at the earliest one comes back
    if (dead_.size() <= kRestingMin) return new reprise_ctx;
    reprise_ctx* const context = dead_.front();
    dead_.pop_front();
    return context;
  }
  void Give(reprise_ctx* context) { dead_.push_back(context); }

 private:
  std::deque<reprise_ctx*> dead_;
};

thread_local Pool pool;

reprise_ctx* Wake(CallKind kind, const Callee& callee, Sql* sql) {
  reprise_ctx* const ctx = pool.Take();
  ctx->kind = kind;
  ctx->thread = std::this_thread::get_id();
  ctx->abi = {sizeof(reprise_call), &kHost, ctx};
  ctx->callee = &callee;
  ctx->sql = sql;
  ctx->ended = ctx->row_threw = false;
  ctx->lost = Code::kOk;
  ctx->payload_json = ctx->root_json = {};
  return ctx;
}

constexpr std::string_view KindName(CallKind kind) {
  switch (kind) {
    case kCallDo:
      return "Do";
    case kCallUndo:
      return "Undo";
    case kCallReconcile:
      return "Reconcile";
    case kCallStart:
      return "Start";
    case kCallQuestion:
      return "a question";
  }
  return "?";
}

reprise_status Plain(std::int32_t code, std::string_view text) {
  return {code, Str(text)};
}

}  // namespace

LiveContext::LiveContext(CallKind kind, const Callee& callee, Call& call)
    : context_(Wake(kind, callee, call.sql)) {
  context_->call = &call;
  if (call.sql == nullptr)
    context_->began = std::chrono::steady_clock::now();  // external: it may take long
  context_->magic.store(reprise_ctx::kAlive, std::memory_order_release);
}

LiveContext::LiveContext(const Callee& callee, Asked& asked)
    : context_(Wake(kCallQuestion, callee, asked.sql)) {
  context_->asked = &asked;
  context_->magic.store(reprise_ctx::kAlive, std::memory_order_release);
}

LiveContext::~LiveContext() {
  if (context_ == nullptr) return;
  context_->magic.store(0, std::memory_order_release);
  context_->call = nullptr;
  context_->asked = nullptr;
  context_->sql = nullptr;
  context_->arena.Clear();
  context_->lost_why.clear();
  pool.Give(context_);
}

void Blame(const reprise_ctx& ctx, std::string_view fault, std::string_view what) {
  ctx.callee->CountFault(fault);
  const std::string text = fmt::format("plugin {}: {} (plugin's fault)", ctx.callee->name(), what);
  if (ctx.call == nullptr || ctx.call->step == nullptr) {
    Log(LogLevel::kError, text);
    return;
  }
  Log(LogLevel::kError, text,
      {{"saga", ctx.call->saga_id},
       {"step", ctx.call->step->name},
       {"attempt", ctx.call->attempt}});
}

reprise_status Refuse(reprise_ctx& ctx, Code code, std::string message) {
  return {static_cast<std::int32_t>(code), Str(ctx.arena.Keep(std::move(message)))};
}

reprise_status RefuseAndBlame(reprise_ctx& ctx, std::string_view fault, std::string what) {
  Blame(ctx, fault, what);
  return Refuse(ctx, Code::kInvalid, std::move(what));
}

bool Alive(const reprise_ctx* ctx, std::string_view function) {
  if (ctx != nullptr && ctx->magic.load(std::memory_order_acquire) == reprise_ctx::kAlive)
    return true;
  Log(LogLevel::kError, "a plugin called the host after its function had returned (plugin's fault)",
      {{"function", function}});
  return false;
}

reprise_status Admit(reprise_ctx* ctx, unsigned kinds, std::string_view function) {
  if (!Alive(ctx, function)) return Plain(REPRISE_INVALID, "the call is over");
  if (ctx->thread != std::this_thread::get_id()) {
    Blame(*ctx, "wrong_thread", fmt::format("called {} on another thread than its own", function));
    return Plain(REPRISE_INVALID, "called on another thread");
  }
  if ((ctx->kind & kinds) == 0) {
    return RefuseAndBlame(*ctx, "not_offered",
                          fmt::format("{} is not offered in {}", function, KindName(ctx->kind)));
  }
  if (ctx->ended) {
    return RefuseAndBlame(*ctx, "after_finish",
                          fmt::format("called {} after it gave its outcome", function));
  }
  return Ok();
}

reprise_status Lose(reprise_ctx& ctx, reprise_status status) {
  if (ctx.lost == Code::kOk) {
    ctx.lost = static_cast<Code>(status.code);
    ctx.lost_why = View(status.message);
  }
  return status;
}

}  // namespace reprise::runtime
