/// What a call of a plugin came to, as tests look at it.
#pragma once

#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include <reprise/plugin.hpp>

namespace reprise {

/// An event, and the fields it sets.
struct Emitted {
  std::string event;
  Fields added;
};

struct Armed {
  std::string event;
  Millis delay{0};
  Fields added;
};

struct Sent {
  std::string topic, key, bytes;
  friend bool operator==(const Sent&, const Sent&) = default;
};

/// A Do, an Undo or a Reconcile.  What it emitted, armed, sent and so on is listed also when
/// nothing of it took effect because the verdict was not Done.
struct Ran {
  Outcome::Verdict verdict = Outcome::kRetry;
  Millis after{0};
  std::string code, detail, memo;
  bool crashed = false;  // CrashAfter: nothing committed, no outcome known

  std::string event;  // empty: none
  Fields added;
  std::vector<Armed> armed;
  std::vector<std::string> disarmed, hints;
  std::vector<Sent> sent;
  int http = 0;     // Respond; 0: none
  Fields response;  // its body
  Found found;      // Reconcile
  std::vector<std::string> log;
  std::map<std::string, std::int64_t> metrics;
  int calls = 0;  // host calls that can fail: what FailCall and CrashAfter count

  bool done() const { return verdict == Outcome::kDone && !crashed; }
  bool kept() const { return verdict == Outcome::kKept; }
  bool later() const { return verdict == Outcome::kLater; }
  bool retry() const { return verdict == Outcome::kRetry; }
  bool failed() const { return verdict == Outcome::kFail; }

  // Which call it was, to undo or repeat it.
  std::string saga;
  Fields payload;
  int attempt = 1;
};

std::ostream& operator<<(std::ostream& out, const Ran& ran);

/// A question's answer.
struct Asked {
  Answer::Kind kind = Answer::kRefuse;
  int http = 500;    // of a reply, or as the refusal's code declares
  Fields fields;     // added, or the reply's if it is an object
  std::string body;  // the reply, JSON text
  std::string code, detail;

  bool added() const { return kind == Answer::kAdd; }
  bool refused() const { return kind == Answer::kRefuse; }
};

std::ostream& operator<<(std::ostream& out, const Asked& asked);

}  // namespace reprise
