/// The runtime's own tables, `rp_...`, as numbered steps, and what a server must be for them.
#pragma once

#include "postgres/database.h"

namespace reprise::runtime::postgres {

inline constexpr int kSchemaVersion = 5;

/// Takes the steps that are missing, one process at a time.  Tables that are complete are only
/// looked at: a role without the right to make any can work with them.
Status UpgradeSchema(Database& db);

/// Refuses a server that cannot keep a promise to write; warns of one that is told not to.
Status CheckServer(Database& db);

/// Begins a writing transaction that no other process's schema change can overlap with.
Status BeginAlone(Database& db);

}  // namespace reprise::runtime::postgres
