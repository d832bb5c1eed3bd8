/// The runtime's clock.  Every instant that is stored or compared comes from one Clock, read once a
/// batch, so that a test or a demo moves the time of the whole runtime.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/time.h"

namespace reprise::runtime {

class Clock {  // Threads: any.
 public:
  virtual ~Clock() = default;
  virtual Time Now() const = 0;

  /// How long to really wait until `due`; zero if it has come.  A manual clock answers zero or
  /// "long".
  virtual Millis RealWait(Time due) const = 0;
};

/// The machine's clock, but for steps back: those are not followed, and time goes on at a steady
/// pace, until the machine's clock is right again or the process ends.  Else a clock that was set
/// back by an hour would hold up every retry and timer for that hour.
class NeverBack {  // Threads: any.
 public:
  explicit NeverBack(Millis less = Millis(1000)) : less_(less.count()) {}

  /// The time, when the machine's clock shows `wall_ms` and a steady one `steady_ms`.  A clock that
  /// is corrected by `less` or less is followed in both directions.
  std::int64_t At(std::int64_t wall_ms, std::int64_t steady_ms);

 private:
  static constexpr std::int64_t kNothing = INT64_MIN;

  const std::int64_t less_;
  std::atomic<std::int64_t> ahead_ms_ = kNothing;  // of our time, to the steady clock
  std::atomic<bool> told_ = false;
};

/// The machine's clock that is never set back, optionally running `speed` times as fast from the
/// moment of construction.
class SystemClock : public Clock {
 public:
  explicit SystemClock(double speed = 1.0);
  Time Now() const override;
  Millis RealWait(Time due) const override;

  /// From now on time runs at this speed; it never jumps.
  void SetSpeed(double speed);

  /// Another clock said `time` a moment ago: from now on this one goes by it, so that all who
  /// follow the same clock agree, wherever their machines' clocks are set to meanwhile.  At speed 1
  /// it is never ahead of that clock.
  void Follow(Time time);

 private:
  Time At(std::int64_t real_ms) const;

  std::int64_t Real() const;

  // Of the clock that is followed, to the machine's steady one; 0: none is.
  std::atomic<std::int64_t> offset_ms_ = 0;
  std::atomic<std::int64_t> anchor_real_ms_;
  std::atomic<std::int64_t> anchor_ms_;
  std::atomic<double> speed_;
};

/// Stands still until moved.
class ManualClock : public Clock {
 public:
  explicit ManualClock(Time now = FromMillis(1'767'225'600'000)) : now_ms_(ToMillis(now)) {}
  Time Now() const override { return FromMillis(now_ms_.load()); }
  Millis RealWait(Time due) const override { return due <= Now() ? Millis(0) : Millis(3'600'000); }
  void Advance(Millis by) { now_ms_.fetch_add(by.count()); }
  void Set(Time now) { now_ms_.store(ToMillis(now)); }

 private:
  std::atomic<std::int64_t> now_ms_;
};

}  // namespace reprise::runtime
