#include "base/clock.h"

#include <algorithm>
#include <cstdlib>

#include "base/log.h"

namespace reprise::runtime {
namespace {

template <class Machine>
std::int64_t Read() {
  return std::chrono::duration_cast<Millis>(Machine::now().time_since_epoch()).count();
}

/// One for the process: all its clocks agree.
std::int64_t RealMillis() {
  static NeverBack machine;
  const std::int64_t wall = Read<std::chrono::system_clock>();
  return machine.At(wall, Read<std::chrono::steady_clock>());
}

}  // namespace

std::int64_t NeverBack::At(std::int64_t wall_ms, std::int64_t steady_ms) {
  const std::int64_t ahead = wall_ms - steady_ms;
  const std::int64_t ours = ahead_ms_.load();
  if (ours == kNothing || ahead >= ours - less_) {
    if (ahead != ours) {
      ahead_ms_.store(ahead);
      told_ = false;
    }
    return wall_ms;
  }
  if (!told_.exchange(true)) {
    Log(LogLevel::kWarn,
        "the machine's clock was set back; time goes on as before until it is right again or this "
        "process ends",
        {{"back_ms", ours - ahead}});
  }
  return steady_ms + ours;
}

SystemClock::SystemClock(double speed)
    : anchor_real_ms_(RealMillis()), anchor_ms_(RealMillis()), speed_(speed) {}

std::int64_t SystemClock::Real() const {
  const std::int64_t offset = offset_ms_.load();
  return offset == 0 ? RealMillis() : Read<std::chrono::steady_clock>() + offset;
}

void SystemClock::Follow(Time time) {
  const std::int64_t offset = ToMillis(time) - Read<std::chrono::steady_clock>();
  const std::int64_t before = offset_ms_.exchange(offset);
  const std::int64_t moved = before == 0 ? ToMillis(time) - RealMillis() : offset - before;
  // The first word, or a clock that was set: at speed 1 its time is ours; a fast clock keeps what
  // it has counted.
  if (std::abs(moved) < 1000) return;
  anchor_real_ms_ += moved;
  if (speed_.load() == 1.0) anchor_ms_ = anchor_real_ms_.load();
}

Time SystemClock::At(std::int64_t real_ms) const {
  const double passed = static_cast<double>(real_ms - anchor_real_ms_.load()) * speed_.load();
  return FromMillis(anchor_ms_.load() + static_cast<std::int64_t>(passed));
}

Time SystemClock::Now() const {
  return At(Real());
}

Millis SystemClock::RealWait(Time due) const {
  const double left = static_cast<double>((due - Now()).count());
  return Millis(std::max<std::int64_t>(0, static_cast<std::int64_t>(left / speed_.load() + 0.999)));
}

void SystemClock::SetSpeed(double speed) {
  const std::int64_t real = Real();
  anchor_ms_ = ToMillis(At(real));
  anchor_real_ms_ = real;
  speed_ = speed;
}

}  // namespace reprise::runtime
