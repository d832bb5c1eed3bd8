/// Runs a command line in this process and keeps what it said.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "app/cli.h"

namespace reprise::runtime {

struct Said {
  int exit = 0;
  std::string out, err;
};

inline Said Say(const std::vector<std::string>& words) {
  std::vector<const char*> argv = {"reprise"};
  for (const std::string& word : words) argv.push_back(word.c_str());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Said said;
  const Parsed parsed = ParseCommandLine(static_cast<int>(argv.size()), argv.data());
  said.exit = parsed.exit ? *parsed.exit : Dispatch(parsed.options);
  said.out = testing::internal::GetCapturedStdout();
  said.err = testing::internal::GetCapturedStderr();
  return said;
}

}  // namespace reprise::runtime
