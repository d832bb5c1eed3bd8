/// A saga with everything around it that can be lost, repeated or late: an unordered bus that
/// duplicates, lanes, due rows in any order, external calls that end whenever they like, people
/// with verbs.
///
/// It is what the executor does with Meet, Judge and Decide, without a database.  Explore walks
/// through every interleaving and checks after each step what must always hold.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "model/decide.h"

namespace reprise::runtime {

/// How often each kind of trouble may happen in one run.
enum Trouble : std::uint8_t {
  kFails,
  kRetries,
  kStucks,
  kKepts,
  kDups,
  kCancels,
  kTimeouts,
  kVerbs,
  kTroubles
};
using Budget = std::array<std::uint8_t, kTroubles>;

/// What a step's plugin may do.
struct Conduct {
  std::vector<std::string> emits = {""};  // alternatives, without the step's name; "" = nothing
  std::vector<std::string> timers;        // armed when done
  bool fails = false, retries = false;    // Do
  bool sticks = false, keeps = false, retries_undo = false;  // Undo
};

/// A wrong runtime, to see that the exploration notices.
struct Mutant {
  bool duplicates_count = false;   // a do that meets a tombstone is counted each time
  bool no_defer = false;           // an undo does not wait for the call in flight
  bool forgets_first = false;      // a person's retry forgets which message claimed the step
  bool timers_stay = false;        // settling an undo leaves the timers armed
  bool stuck_timers_stay = false;  // an undo that gives up leaves the timers armed
  bool call_ends_first = false;  // the end of a call is counted before the undo that waited for it
  std::function<void(Pipeline&)> decide_sees;  // Decide is given another pipeline
  std::function<void(Pipeline&)> all_see;      // Meet too; the checks know the true one
};

struct Flow {
  Pipeline pipeline;
  std::map<std::string, Conduct> conduct;
  std::string start;                      // the event; with inline steps empty
  std::vector<std::string> inline_emits;  // what each inline step emits
  Budget budget{};
  bool retry_verb = false, resolve_verb = false, skip_verb = false;
  Mutant mutant;
};

struct Explored {
  std::size_t states = 0;
  std::map<std::string, std::size_t> ends;  // "undone $done $undone" -> how many states
  std::set<std::string> met;                // "undo meets held", "do meets tombstone", ...
  std::string violation;                    // with the way there; empty if there is none
};

Explored Explore(const Flow& flow);

}  // namespace reprise::runtime
