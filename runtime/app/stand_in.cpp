#include "app/stand_in.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace reprise::runtime {
namespace {
constexpr int kStartMillis = 10'000;
}  // namespace

Result<std::unique_ptr<StandIn>> StandIn::Run(const std::vector<std::string>& command) {
  int pipes[2];
  if (pipe2(pipes, O_CLOEXEC) != 0) return Error{Code::kInternal, "no pipe for a stand-in"};
  auto child = Child::Start(command, pipes[1]);
  close(pipes[1]);
  if (!child) {
    close(pipes[0]);
    return child.error();
  }
  std::unique_ptr<StandIn> stand_in(new StandIn(std::move(*child), pipes[0]));
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
  close(out_);
}

}  // namespace reprise::runtime
