#include "app/supervise.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/cli.h"
#include "app/watchdog.h"
#include "base/log.h"

namespace reprise::runtime {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPauseMin{100}, kPauseMax{10'000};
constexpr std::chrono::minutes kHealthyFor{1};

class Supervisor {
 public:
  explicit Supervisor(const std::function<int(bool)>& work) : work_(work) {
    sigemptyset(&signals_);
    for (const int signal : {SIGTERM, SIGINT, SIGCHLD}) sigaddset(&signals_, signal);
    pthread_sigmask(SIG_BLOCK, &signals_, &before_);
  }
  ~Supervisor() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  int Run() {
    std::chrono::milliseconds pause = kPauseMin;
    for (bool first = true;; first = false) {
      const auto began = Steady::now();
      if (!Start(first)) return exit_code::kProblems;
      const int status = Wait();
      const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      if (stopping_) return code;
      if (Finished() && (code == exit_code::kOk || first)) return code;
      if (Steady::now() - began > kHealthyFor) pause = kPauseMin;
      Log(LogLevel::kError, "the runtime ended and is started again",
          {{"why", Why(status)}, {"pause_ms", pause.count()}});
      if (Pause(pause)) return code;
      pause = std::min(pause * 2, kPauseMax);
    }
  }

 private:
  bool Start(bool first) {
    const pid_t parent = getpid();
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0 || (child_ = fork()) < 0) {
      Log(LogLevel::kError, "no process can be started", {{"errno", errno}});
      return false;
    }
    if (child_ > 0) {
      close(ends[1]);
      finished_ = ends[0];
      return true;
    }
    prctl(PR_SET_PDEATHSIG, SIGTERM);  // nobody would start it again: it drains and ends
    if (getppid() != parent) _exit(exit_code::kProblems);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    const int code = work_(first);
    const bool told = write(ends[1], ".", 1) == 1;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): the only thread
    std::exit(told ? code : exit_code::kProblems);
  }

  /// Whether the child came to its end by itself: a plugin may have called exit(0).
  bool Finished() {
    char mark = 0;
    const bool finished = read(finished_, &mark, 1) == 1;
    close(finished_);
    return finished;
  }

  /// Until the child has ended; its status.
  int Wait() {
    for (;;) {
      int status = 0;
      if (waitpid(child_, &status, WNOHANG) == child_) return status;
      const int signal = sigwaitinfo(&signals_, nullptr);
      if (signal == SIGTERM || signal == SIGINT) {
        stopping_ = true;
        kill(child_, signal);
      }
    }
  }

  /// True: it is to stop.
  bool Pause(std::chrono::milliseconds pause) const {
    const auto until = Steady::now() + pause;
    for (;;) {
      const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(until - Steady::now());
      if (left.count() <= 0) return false;
      const timespec wait{left.count() / 1'000'000'000, left.count() % 1'000'000'000};
      const int signal = sigtimedwait(&signals_, nullptr, &wait);
      if (signal == SIGTERM || signal == SIGINT) return true;
    }
  }

  static std::string Why(int status) {
    if (WIFSIGNALED(status)) return std::string("signal ") + sigdescr_np(WTERMSIG(status));
    if (WEXITSTATUS(status) == kHungExit) return "a plugin hung";
    return "exit code " + std::to_string(WEXITSTATUS(status));
  }

  const std::function<int(bool)>& work_;
  sigset_t signals_{}, before_{};
  pid_t child_ = -1;
  int finished_ = -1;  // what the child writes to when its work is over
  bool stopping_ = false;
};

}  // namespace

int Supervise(const std::function<int(bool first)>& work) {
  return Supervisor(work).Run();
}

}  // namespace reprise::runtime
