/// Ingress: how HTTP, the command line and tests hand work to the executor, and how answers come
/// back.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/payload.h"
#include "model/pipeline.h"
#include "model/saga.h"

namespace reprise::runtime {

class Journal;

/// What a caller of a route gets.  `code` empty: 2xx with `body` (JSON).  Else problem+json is made
/// of it.
struct Reply {
  int status = 200;
  std::string body;  // JSON
  std::string location;
  std::string code, detail;
  std::optional<int> retry_after_s;
  bool replayed = false;  // answered from an idempotency row
};

/// One request of a route, its body already decoded and checked against the route's types.
struct Request {
  PipelineRef pipeline;
  const Route* route = nullptr;  // of `pipeline`
  json::object fields;           // body + path + query
  std::string body_hash;         // SHA-256 of the canonical body, for idempotency
  std::string bearer, idempotency_key, trace;
  std::function<void(Reply)> reply;  // called once, on the executor's thread; must not block
  Time deadline{};                   // the journal's clock; zero: none
  std::chrono::steady_clock::time_point arrived{};  // set by Submit: how long it waited is measured
  bool checked = false;  // streams, from the second ask on: `fields` holds what the checks added;
                         // they are not run again
};

/// A stream question's answer.
struct StreamEvent {
  std::string id, event, data;
};
struct StreamBatch {
  std::string channel;
  std::vector<StreamEvent> events;
  bool reset = false;
  json::object fields;  // the request's fields with what the checks added: for the next ask, with
                        // `checked` set
};

/// An input that starts a saga without a route: `publish`, topics, tests.
struct Start {
  PipelineRef pipeline;
  std::string event;
  Payload root;
  Uuid id;                                 // nil: a new one
  std::function<void(Result<bool>)> done;  // true: new; false: that saga existed
  /// Instead of all that: a record of others, for every pipeline that listens to its topic.  Checks
  /// are made.  kInvalid in `done`: it cannot be read, or was refused.
  RecordRef record{};
};

/// An operator's verb.
struct Verb {
  std::string what;  // retry, undo, skip, resolve, signal, dlq-replay, dlq-drop
  Uuid saga;
  std::string step, event;  // skip: the event; signal: its name
  json::object fields;      // signal
  std::int64_t letter = 0;  // dlq verbs
  std::string who, why;
  std::optional<std::string>
      seen_state;  // refuse with 409 `changed` if the step's state is another
  std::function<void(Reply)> reply;
};

class Ingress {  // Threads: any.
 public:
  virtual ~Ingress() = default;

  virtual void Submit(Request request) = 0;
  virtual void Submit(Start start) = 0;
  virtual void Submit(Verb verb) = 0;

  /// Asks a stream's question once: `fields` plus `after`.  Errors are a Reply with a code.
  virtual void AskStream(Request request, std::string after,
                         std::function<void(Reply refused, StreamBatch batch)> answer) = 0;

  /// Calls `listener(channel)` on the executor's thread whenever a step's Hint was committed.
  virtual void OnHint(std::function<void(const std::string& channel)> listener) = 0;

  /// Runs `read` on the executor's thread between transactions.
  virtual void Read(std::function<void(Journal&)> read) = 0;

  /// Why nothing can be accepted now, or empty: {code, detail} of a 503.
  virtual std::optional<std::pair<std::string, std::string>> Overloaded() const = 0;
};

}  // namespace reprise::runtime
