/// What one turn of the executor has to do, and what is left to do once it is committed.
///
/// Work is not changed by a transaction, so that a batch that fails half-way can be run again.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "executor/calls.h"
#include "executor/flight.h"
#include "model/saga.h"
#include "ports/ingress.h"
#include "ports/journal.h"

namespace reprise::runtime {

/// A reply that says no; `code` and `detail` become problem+json.
inline Reply Refused(int status, std::string code, std::string detail) {
  Reply reply;
  reply.status = status;
  reply.code = std::move(code);
  reply.detail = std::move(detail);
  return reply;
}

inline Reply Unavailable(const std::string& code, const std::string& detail) {
  Reply reply = Refused(503, code, detail);
  reply.retry_after_s = 1;
  return reply;
}

/// Of a step or question that a request asks for, which has no saga yet: whoever asks the same
/// again, the same way, is it.  The same in every process.
Flight FlightOf(const Request& request, std::string_view part);

/// A request that passed its checks.
struct Admitted {
  Request request;
  Payload fields;      // body, path, query and what the checks added
  std::string caller;  // for idempotency: what the first check added
  bool idempotent = false;
  std::vector<std::function<void(Reply)>> twins;  // equal keys of this turn share one run
};

/// A record of a topic of others, read and checked: what it begins, and what speaks against it.
struct Arrival {
  RecordRef record;
  std::vector<Start> starts;        // one for each pipeline that listens
  std::vector<DeadLetter> letters;  // or this
  std::optional<Start> fed;         // by hand: whoever did hears of it, and there are no letters
};

struct Work {
  std::vector<Message> messages;          // from the bus
  std::vector<Arrival> arrivals;          // of these, the inputs; and what is fed by hand
  std::map<std::int64_t, Arrival> again;  // dead letters of inputs that are to be replayed
  std::vector<Message> tells;             // answers for side steps; no saga
  std::vector<Admitted> admitted;
  std::vector<Start> starts;
  std::vector<Verb> verbs;
  std::vector<CallResult> results;
  bool due = false;  // due rows have come

  bool empty() const {
    return messages.empty() && tells.empty() && admitted.empty() && starts.empty() &&
           verbs.empty() && results.empty() && arrivals.empty() && !due;
  }
};

/// What happens after commit, in this order.
struct Afterwards {
  std::vector<std::function<void()>> replies;
  std::vector<CallJob> calls;
  std::vector<std::string> hints;
  std::vector<Message> outbox;
  std::vector<Transaction::Foreign> sent;  // records for topics of others
  std::vector<Admitted> busy;              // their locks were not free: they come again
  std::vector<Flight> landed;              // suspects that are dealt with
  // For failpoints:
  bool undid = false;   // an Undo ran
  bool letter = false;  // somebody is to be told: a dead letter, a stuck undo
};

}  // namespace reprise::runtime
