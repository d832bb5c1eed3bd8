/// Audit: what must hold of every saga in a journal at rest, and which of it does not.
///
/// Pure: rows in, violations out.  The names are those of the invariants I1 to I13; `what` says it
/// in words.  What only a batch knows (I5, I6) is in audit_lanes.h; what others' servers saw (I12)
/// and what plugins' tables hold (I2, I8) is not in these rows: see app/audit_command.cpp for the
/// questions that pipelines ask.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "model/pipeline.h"
#include "ports/journal.h"

namespace reprise::runtime {

struct Violation {
  std::string invariant;  // "I3"
  Uuid saga;              // nil: of no saga
  std::string what;
};

/// `waiting`  messages of this saga that are still on the bus
/// `now`      the journal's; what is overdue by more than a minute should have been taken by then
std::vector<Violation> AuditSaga(const Pipeline& pipeline, const SagaDetail& detail,
                                 std::span<const Message> waiting, Time now);

/// Texts that a person may read, and what must be in none of them.
std::vector<Violation> AuditSecrets(const SagaDetail& detail, std::span<const std::string> secrets);
std::vector<Violation> AuditSecrets(const DeadLetter& letter, std::span<const std::string> secrets);

}  // namespace reprise::runtime
