#include "app/watchdog.h"

#include <unistd.h>

#include "base/log.h"

namespace reprise::runtime {
namespace {

constexpr Millis kLookEvery{100};

}  // namespace

Watchdog::Watchdog(FlightRecorder& recorder) : recorder_(recorder), thread_([this] { Look(); }) {}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  thread_.join();
}

void Watchdog::Look() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kLookEvery, [this] { return stopping_; })) {
    const std::string overdue = recorder_.Overdue(kLookEvery);
    if (overdue.empty()) continue;
    Log(LogLevel::kError, "a plugin hangs; the process ends, and what was committed goes on",
        {{"what", overdue}});
    _exit(kHungExit);
  }
}

}  // namespace reprise::runtime
