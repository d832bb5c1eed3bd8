/// Locks that keep most of those who would lose from asking the journal at all.
///
/// They decide nothing: the journal's lock row with its fencing token does.  One that Redis forgot,
/// or that ran out, lets two ask the journal, and one of them is told to come again; while Redis is
/// away every lock looks free.
#pragma once

#include <string>

#include "redis/connection.h"

namespace reprise::runtime::redis {

class Locks {  // Threads: one.
 public:
  /// `owner` tells this process from every other.  `connection` outlives it.
  Locks(Connection& connection, std::string owner)
      : connection_(connection), owner_(std::move(owner)) {}

  /// False: another holds it, and asking the journal now is in vain.  It frees itself after
  /// `hold_for`, so that nobody waits for a process that died.
  bool Try(const std::string& name, Millis hold_for);

  /// Frees it if it is still this owner's.
  void Release(const std::string& name);

 private:
  std::string Key(const std::string& name) const;

  Connection& connection_;
  std::string owner_;
};

}  // namespace reprise::runtime::redis
