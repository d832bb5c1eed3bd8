/// The runtime's own tables, `rp_...`, as numbered steps: PRAGMA user_version says how many were
/// taken.
#pragma once

#include "sqlite/database.h"

namespace reprise::runtime::sqlite {

inline constexpr int kSchemaVersion = 3;
inline constexpr int kApplicationId = 0x52505253;  // "RPRS"

/// Takes the steps from `version` on, each in a transaction of its own.
Status UpgradeSchema(Database& db, int version);

}  // namespace reprise::runtime::sqlite
