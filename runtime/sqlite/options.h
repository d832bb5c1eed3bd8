/// How the embedded engine's file is opened.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"

namespace reprise::runtime::sqlite {

struct Options {
  std::string file;          // ":memory:" for tests
  bool read_only = false;    // operators' reading verbs on the file of a stopped runtime
  bool hop_commits = false;  // every hop of a message is a commit of its own (crash tests)
  int rounds = 32;           // hops that one transaction may handle
  Millis lock_wait{1000};    // for a runtime that is just stopping
  int cache_kib = 16'384;
  int checkpoint_pages = 8'000;  // the WAL is written back when it has this many (32 MiB)
  std::int64_t pages_max = 0;    // tests: the file may not grow past this many pages; 0: no limit
  const Clock* clock = nullptr;  // outlives the engine; dates migrations; none: the machine's
};

}  // namespace reprise::runtime::sqlite
