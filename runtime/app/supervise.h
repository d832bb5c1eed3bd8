/// `run --supervise`: a parent that starts the runtime again when it crashes.
#pragma once

#include <functional>

namespace reprise::runtime {

/// Runs `work` in a child process and answers what that answers.  A child that ends in any other
/// way (a signal, exit in the middle of something) is started again after a growing pause: 100 ms
/// to 10 s, from the beginning once it has run for a minute.  So is one whose work goes wrong (not
/// 0), unless it is the first: that is a mistake somebody should see.  SIGTERM and SIGINT are
/// handed on, and what the child then ends with is the answer.
///
/// `work`  gets whether it is the first time; there must be no other thread yet
int Supervise(const std::function<int(bool first)>& work);

}  // namespace reprise::runtime
