#include "app/stand_in.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace reprise::runtime {
namespace {

constexpr int kStartMillis = 10'000;

[[noreturn]] void BecomeCommand(const std::vector<std::string>& command, int out) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  dup2(out, STDOUT_FILENO);
  std::vector<char*> words;
  for (const std::string& word : command)
    words.push_back(const_cast<char*>(word.c_str()));  // NOLINT: execvp's form
  words.push_back(nullptr);
  execvp(words[0], words.data());
  _exit(127);
}

}  // namespace

Result<std::unique_ptr<StandIn>> StandIn::Run(const std::vector<std::string>& command) {
  int pipes[2];
  if (pipe2(pipes, O_CLOEXEC) != 0) return Error{Code::kInternal, "no pipe for a stand-in"};
  const pid_t pid = fork();
  if (pid == 0) BecomeCommand(command, pipes[1]);
  close(pipes[1]);
  if (pid < 0) {
    close(pipes[0]);
    return Error{Code::kInternal, "cannot start " + command.front()};
  }
  std::unique_ptr<StandIn> stand_in(new StandIn(pid, pipes[0]));
  pollfd wait{pipes[0], POLLIN, 0};
  for (char c = 0; poll(&wait, 1, kStartMillis) > 0 && read(pipes[0], &c, 1) == 1 && c != '\n';)
    stand_in->url_ += c;
  if (!stand_in->url_.starts_with("http://")) {
    return Error{Code::kUnavailable,
                 "the stand-in `" + command.front() + " " + command.back() + "` did not start"};
  }
  return stand_in;
}

StandIn::~StandIn() {
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  close(out_);
}

}  // namespace reprise::runtime
