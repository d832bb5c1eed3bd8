/// An Ingress for tests: it runs what the test tells it to on a thread of its own, as the executor
/// does.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "ports/ingress.h"

namespace reprise::runtime {

class FakeIngress : public Ingress {
 public:
  using Answer = std::function<void(Reply, StreamBatch)>;

  FakeIngress() : thread_([this] { Run(); }) {}
  ~FakeIngress() override { Stop(); }

  /// Nothing runs any more; what waits is dropped.
  void Stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  // Set before requests come; called on the executor's thread.
  std::function<void(Request)> on_request;
  std::function<void(Request, std::string after, Answer)> on_stream;
  std::optional<std::pair<std::string, std::string>> overloaded;

  void Submit(Request request) override {
    Post([this, request = std::move(request)]() mutable { on_request(std::move(request)); });
  }
  void Submit(Start) override {}
  void Submit(Verb) override {}
  void AskStream(Request request, std::string after, Answer answer) override {
    Post([this, request = std::move(request), after = std::move(after),
          answer = std::move(answer)]() mutable {
      on_stream(std::move(request), std::move(after), std::move(answer));
    });
  }
  void OnHint(std::function<void(const std::string&)> listener) override {
    hint_ = std::move(listener);
  }
  void Read(std::function<void(Journal&)>) override {}
  std::optional<std::pair<std::string, std::string>> Overloaded() const override {
    return overloaded;
  }

  void Hint(const std::string& channel) {
    Post([this, channel] { hint_(channel); });
  }
  void Post(std::function<void()> work) {
    {
      const std::lock_guard lock(mutex_);
      work_.push_back(std::move(work));
    }
    changed_.notify_all();
  }

 private:
  void Run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return stopping_ || !work_.empty(); });
      if (stopping_) return;
      auto work = std::move(work_.front());
      work_.pop_front();
      lock.unlock();
      work();
      work = nullptr;
      lock.lock();
    }
  }

  std::function<void(const std::string&)> hint_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> work_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace reprise::runtime
