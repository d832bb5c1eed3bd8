/// reprise_ctx: one call of a plugin, from before it begins until it has returned.
///
/// Contexts are reused in turn and never freed, so that a plugin that keeps one finds a dead
/// context, not freed memory.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <reprise/abi.h>

#include "plugin/callee.h"
#include "plugin/values.h"
#include "ports/plugins.h"

namespace reprise::runtime {

/// What is being called, as a bit: host functions say in which calls they are offered.
enum CallKind : unsigned {
  kCallDo = 1,
  kCallUndo = 2,
  kCallReconcile = 4,
  kCallStart = 8,
  kCallQuestion = 16
};

}  // namespace reprise::runtime

struct reprise_ctx {
  static constexpr std::uint32_t kAlive = 0x52505253;

  std::atomic<std::uint32_t> magic{0};  // kAlive during a call
  reprise::runtime::CallKind kind = reprise::runtime::kCallDo;
  std::thread::id thread;  // the worker
  std::chrono::steady_clock::time_point began;
  reprise_call abi{};
  const reprise::runtime::Callee* callee = nullptr;
  reprise::runtime::Call* call = nullptr;    // null in a question
  reprise::runtime::Asked* asked = nullptr;  // only in a question
  reprise::runtime::Sql* sql = nullptr;

  // what became of it
  bool ended = false;      // finish, found or answer was called
  bool row_threw = false;  // its on_row did
  reprise::runtime::Code lost =
      reprise::runtime::Code::kOk;  // an effect it asked for did not happen, and why:
  std::string lost_why;

  // scratch
  reprise::runtime::Arena arena;             // what was handed out
  std::string_view payload_json, root_json;  // in the arena, once asked for
};

namespace reprise::runtime {

/// Makes a context alive for one call.  Threads: one.
class LiveContext {
 public:
  LiveContext(CallKind kind, const Callee& callee, Call& call);
  LiveContext(const Callee& callee, Asked& asked);
  ~LiveContext();
  LiveContext(LiveContext&& other) noexcept : context_(std::exchange(other.context_, nullptr)) {}
  LiveContext(const LiveContext&) = delete;
  LiveContext& operator=(const LiveContext&) = delete;

  reprise_ctx& operator*() const { return *context_; }
  reprise_ctx* operator->() const { return context_; }

 private:
  reprise_ctx* context_;
};

/// Says in the log, and counts, that the plugin broke the contract: "plugin shop.order: WHAT
/// (plugin's fault)".
void Blame(const reprise_ctx& ctx, std::string_view fault, std::string_view what);

inline reprise_status Ok() {
  return {REPRISE_OK, {nullptr, 0}};
}

/// `message` is kept until the call has returned.
reprise_status Refuse(reprise_ctx& ctx, Code code, std::string message);

/// Blames, and answers kInvalid.
reprise_status RefuseAndBlame(reprise_ctx& ctx, std::string_view fault, std::string what);

/// Whether this is a live call; else says so in the log.
bool Alive(const reprise_ctx* ctx, std::string_view function);

/// Whether `function` may be called now: a live call of one of `kinds`, on its own thread, not
/// ended.
reprise_status Admit(reprise_ctx* ctx, unsigned kinds, std::string_view function);

/// Remembers that the plugin wanted something that did not happen: it cannot be Done any more.
reprise_status Lose(reprise_ctx& ctx, reprise_status status);

}  // namespace reprise::runtime
