#include "executor/flight.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"

namespace reprise::runtime {
namespace {

constexpr std::uint64_t kMagic = 0x3154'4847'494c'4652;  // "RFLIGHT1"
constexpr std::size_t kSlots = 64, kSuspects = 64, kNameBytes = 104;
constexpr std::int64_t kSuspectForS = 24LL * 3600;
constexpr int kFilesMax = 64;  // processes on one machine that share a name

enum State : std::uint32_t { kIdle, kInside, kBack };  // kBack: returned, and not yet committed

using NameText = std::array<char, kNameBytes>;

void Put(NameText& to, std::string_view first, char between, std::string_view second) {
  const std::size_t head = std::min(first.size(), kNameBytes / 2 - 2);
  const std::size_t tail = std::min(second.size(), kNameBytes / 2 - 2);
  std::memcpy(to.data(), first.data(), head);
  to[head] = between;
  std::memcpy(to.data() + head + 1, second.data(), tail);
  to[head + 1 + tail] = '\0';
}

std::string Text(const NameText& name) {
  return std::string(name.data(), strnlen(name.data(), kNameBytes));
}

std::uint64_t HashOf(std::string_view pipeline, std::string_view step) {
  std::uint64_t hash = 14695981039346656037U;  // FNV-1a: the same in every process
  const auto add = [&](std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  };
  add(pipeline);
  add("/");
  add(step);
  return hash;
}

std::int64_t NowS() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::int64_t TicksMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

struct FlightRecorder::Key {
  std::array<std::uint8_t, 16> saga{};
  std::int64_t item = 0;
  std::uint64_t step = 0;
  std::uint32_t round = 0, phase = 0;
  bool operator==(const Key&) const = default;
};

struct FlightRecorder::Slot {
  std::atomic<std::uint32_t> state{kIdle};
  std::uint32_t signal = 0;  // that hit this very call; 86: it did not come back in time
  Key key;
  NameText step{}, plugin{};
  std::atomic<std::int64_t> limit_ms{0};
  std::atomic<std::uint64_t> calls{0};
  std::uint64_t looked_at = 0;  // the watchdog's: which of the calls it saw, since when
  std::int64_t waited_ms = 0, looked_ms = 0;
};

struct FlightRecorder::File {
  struct Suspect {
    Key key;
    NameText step{}, plugin{};
    std::uint32_t crashes = 0;  // 0: the place is free
    std::uint32_t unused = 0;
    std::uint64_t run = 0;  // which counted it last
    std::int64_t at_s = 0;
  };
  std::uint64_t magic = kMagic;
  std::uint64_t run = 0;     // processes that have had the file
  std::uint32_t signal = 0;  // a crash outside every call
  std::uint32_t unused = 0;
  std::array<Slot, kSlots> slots;
  std::array<Suspect, kSuspects> suspects;
};

namespace {

std::atomic<std::uint64_t> recorders{0};

struct Place {
  std::uint64_t recorder = 0;
  FlightRecorder::Slot* slot = nullptr;
};
thread_local Place place;

std::atomic<std::uint32_t*> process_signal{nullptr};

/// Only stores: it runs in the middle of anything.
void OnCrash(int signal) {
  const auto number = static_cast<std::uint32_t>(signal);
  if (place.slot != nullptr && place.slot->state.load(std::memory_order_relaxed) == kInside) {
    place.slot->signal = number;
  } else if (std::uint32_t* const where = process_signal.load(std::memory_order_relaxed)) {
    *where = number;
  }
  std::signal(signal, SIG_DFL);  // NOLINT(cert-err33-c)
  std::raise(signal);
}

FlightRecorder::Key KeyOf(const Flight& flight) {
  FlightRecorder::Key key;
  key.saga = flight.saga.bytes;
  key.item = flight.item;
  key.step = HashOf(flight.pipeline, flight.step);
  key.round = flight.round;
  key.phase = static_cast<std::uint32_t>(flight.phase);
  return key;
}

/// The first of `path`, `path`.1, ... that no other process has.
Result<std::pair<int, std::string>> TakeFile(const std::string& path) {
  for (int n = 0; n < kFilesMax; ++n) {
    const std::string name = n == 0 ? path : fmt::format("{}.{}", path, n);
    const int file = open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) {
      return Error{Code::kUnavailable,
                   fmt::format("{}: {}", name, std::generic_category().message(errno))};
    }
    if (flock(file, LOCK_EX | LOCK_NB) == 0) return std::pair(file, name);
    close(file);
  }
  return Error{Code::kUnavailable, path + ": too many processes share it"};
}

}  // namespace

Result<std::unique_ptr<FlightRecorder>> FlightRecorder::Open(const std::string& path) {
  auto taken = TakeFile(path);
  if (!taken) return taken.error();
  const auto [descriptor, name] = *taken;
  const auto fail = [&, file = descriptor, named = name] {
    const Error error{Code::kUnavailable,
                      fmt::format("{}: {}", named, std::generic_category().message(errno))};
    close(file);
    return error;
  };
  // The space is really there: a full disk is found now, not by a SIGBUS later.
  if (const int failed = posix_fallocate(descriptor, 0, sizeof(File)); failed != 0) {
    errno = failed;
    return fail();
  }
  void* const mapped =
      mmap(nullptr, sizeof(File), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (mapped == MAP_FAILED) return fail();
  File* file = static_cast<File*>(mapped);
  if (file->magic != kMagic) {  // new, or of another version
    std::memset(mapped, 0, sizeof(File));
    file = new (mapped) File;
  }
  std::unique_ptr<FlightRecorder> recorder(new FlightRecorder(name, descriptor, file));
  recorder->Review();
  return recorder;
}

FlightRecorder::FlightRecorder(std::string path, int descriptor, File* file)
    : path_(std::move(path)), descriptor_(descriptor), file_(file), number_(++recorders) {}

FlightRecorder::~FlightRecorder() {
  if (process_signal.load() == &file_->signal) process_signal = nullptr;
  munmap(file_, sizeof(File));
  close(descriptor_);  // and the lock with it
}

// ---------------------------------------------------------------- what the last process left

/// A call that was marked is the one.  Without a mark (kill -9, out of memory) all open calls are
/// suspects; after a crash outside of all calls those are that came back since the last commit, for
/// what they spoilt may only show later.
void FlightRecorder::Review() {
  const auto any = [&](auto is) {
    return std::any_of(file_->slots.begin(), file_->slots.end(), is);
  };
  const bool marked = any([](const Slot& s) { return s.state == kInside && s.signal != 0; });
  const bool open = any([](const Slot& s) { return s.state == kInside; });
  for (Slot& slot : file_->slots) {
    if (slot.state == kInside && (slot.signal != 0 || !marked)) {
      Accuse(slot, slot.signal == 86  ? "did not come back"
                   : slot.signal != 0 ? fmt::format("died of signal {}", slot.signal)
                                      : "was killed");
    } else if (slot.state == kBack && !open && file_->signal != 0) {
      Accuse(slot, fmt::format("died of signal {} soon after", file_->signal));
    }
    slot.state = kIdle;
    slot.signal = 0;
    slot.calls = 0;
    slot.looked_at = 0;
  }
  file_->signal = 0;
  ++file_->run;
  const std::int64_t now = NowS();
  for (std::size_t i = 0; i < kSuspects; ++i) {
    File::Suspect& suspect = file_->suspects[i];
    if (suspect.crashes != 0 && now - suspect.at_s > kSuspectForS) suspect.crashes = 0;
    if (suspect.crashes == 0) continue;
    suspects_.push_back(i);
    steps_[suspect.key.step] = kStepSuspectFor;
  }
}

/// Counted once for each process, also if this one dies in the middle of it.
void FlightRecorder::Accuse(const Slot& slot, const std::string& how) {
  File::Suspect* at = nullptr;
  for (File::Suspect& suspect : file_->suspects) {
    if (suspect.crashes != 0 && suspect.key == slot.key) at = &suspect;
  }
  if (at == nullptr) {  // the first free place, else the oldest
    at = &*std::min_element(file_->suspects.begin(), file_->suspects.end(),
                            [](const File::Suspect& a, const File::Suspect& b) {
                              return std::pair(a.crashes != 0, a.at_s) <
                                     std::pair(b.crashes != 0, b.at_s);
                            });
    *at = {};
    at->key = slot.key;
    at->step = slot.step;
    at->plugin = slot.plugin;
  } else if (at->run == file_->run) {
    return;
  }
  at->run = file_->run;
  at->at_s = NowS();
  ++at->crashes;
  Uuid saga;
  saga.bytes = slot.key.saga;
  found_.push_back(fmt::format(
      "the process {} in plugin {} for {}, saga {} (time {} of {})", how, Text(slot.plugin),
      Text(slot.step), saga.nil() ? "of several" : saga.ToString(), at->crashes, kCrashesMax));
}

// ---------------------------------------------------------------- while it runs

FlightRecorder::Slot* FlightRecorder::Mine() {
  if (place.recorder != number_) {
    const std::size_t n = threads_.fetch_add(1);
    place = {number_, n < kSlots ? &file_->slots[n] : nullptr};
  }
  return place.slot;
}

void FlightRecorder::Enter(const Flight& flight, std::string_view plugin, std::string_view part,
                           Millis limit) {
  Slot* const slot = Mine();
  if (slot == nullptr) return;
  slot->state.store(kIdle, std::memory_order_release);  // while it is being written
  slot->key = KeyOf(flight);
  Put(slot->step, flight.pipeline, '/', flight.step);
  Put(slot->plugin, plugin, '.', part);
  slot->limit_ms.store(limit.count(), std::memory_order_relaxed);
  slot->calls.fetch_add(1, std::memory_order_relaxed);
  slot->state.store(kInside, std::memory_order_release);
}

void FlightRecorder::Leave() {
  if (Slot* const slot = Mine()) slot->state.store(kBack, std::memory_order_release);
}

void FlightRecorder::Landed() {
  Slot* const slot = Mine();
  if (slot != nullptr) slot->state.store(kIdle, std::memory_order_release);
}

std::string FlightRecorder::Overdue(Millis interval) {
  const std::int64_t now = TicksMs();
  for (Slot& slot : file_->slots) {
    if (slot.state.load(std::memory_order_acquire) != kInside) continue;
    const std::uint64_t calls = slot.calls;
    if (slot.looked_at != calls) {
      slot.looked_at = calls;
      slot.waited_ms = 0;
    } else {
      slot.waited_ms += std::min<std::int64_t>(now - slot.looked_ms, 2 * interval.count());
    }
    slot.looked_ms = now;
    if (slot.waited_ms <= slot.limit_ms) continue;
    slot.signal = 86;
    return fmt::format("plugin {} has not come back for {} ms in {}", Text(slot.plugin),
                       slot.waited_ms, Text(slot.step));
  }
  return {};
}

// ---------------------------------------------------------------- suspects

std::uint32_t FlightRecorder::Crashes(const Flight& flight) const {
  if (suspects_.empty()) return 0;
  const Key key = KeyOf(flight);
  for (const std::size_t i : suspects_) {
    if (file_->suspects[i].key == key) return file_->suspects[i].crashes;
  }
  return 0;
}

bool FlightRecorder::Suspect(std::string_view pipeline, std::string_view step) const {
  return !steps_.empty() && steps_.contains(HashOf(pipeline, step));
}

void FlightRecorder::Survived(std::string_view pipeline, std::string_view step) {
  const auto it = steps_.find(HashOf(pipeline, step));
  if (it != steps_.end() && --it->second <= 0) steps_.erase(it);
}

void FlightRecorder::Forget(const Flight& flight) {
  const Key key = KeyOf(flight);
  std::erase_if(suspects_, [&](std::size_t i) {
    if (file_->suspects[i].key != key) return false;
    file_->suspects[i].crashes = 0;
    return true;
  });
}

void FlightRecorder::MarkCrashes() {
  process_signal = &file_->signal;
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT})
    std::signal(signal, &OnCrash);  // NOLINT(cert-err33-c)
}

}  // namespace reprise::runtime
