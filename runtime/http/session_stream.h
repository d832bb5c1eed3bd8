/// An event stream: a bounded queue between whoever has events and the session that writes them.
/// Only for session.cpp.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "http/session.h"

namespace reprise::runtime {

template <class Work>
void Session::OnStrand(Work work) {
  core_->Post(socket_.get_executor(), std::move(work));
}

class Session::Stream final : public EventStream {
 public:
  explicit Stream(std::shared_ptr<Session> session) : session_(std::move(session)) {}

  bool Send(std::string_view id, std::string_view event, std::string_view data) override {
    if (closed_) return false;
    std::string text = RenderEvent(id, event, data);
    const std::lock_guard lock(mutex_);
    if (ending_) return false;
    if (queued_.size() + text.size() > session_->core_->options.stream_bytes_max) {
      closed_ = true;
      session_->Kill();
      return false;
    }
    const bool was_empty = queued_.empty();
    queued_ += text;
    if (was_empty) Wake();
    return true;
  }

  void Close() override {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(ending_, true)) Wake();
  }

  bool closed() const override { return closed_; }

  std::size_t pending() const override {
    const std::lock_guard lock(mutex_);
    return queued_.size() + writing_;
  }

  void OnClosed(std::function<void()> listener) override {
    {
      const std::lock_guard lock(mutex_);
      if (!ended_) {
        listener_ = std::move(listener);
        return;
      }
    }
    listener();
  }

  // For the session, on its strand.

  /// What is to be written next.
  std::string Take() {
    const std::lock_guard lock(mutex_);
    writing_ = queued_.size();
    return std::exchange(queued_, {});
  }
  bool ending() const {
    const std::lock_guard lock(mutex_);
    return ending_ && queued_.empty();
  }
  void End() {
    closed_ = true;
    std::function<void()> listener;
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
      listener = std::exchange(listener_, nullptr);
    }
    if (listener) listener();
  }

 private:
  void Wake() {
    session_->OnStrand([session = session_] { session->signal_.cancel(); });
  }

  const std::shared_ptr<Session> session_;
  std::atomic<bool> closed_ = false;  // no more is taken
  mutable std::mutex mutex_;          // guards what follows
  std::string queued_;
  std::size_t writing_ = 0;
  bool ending_ = false, ended_ = false;
  std::function<void()> listener_;
};

}  // namespace reprise::runtime
