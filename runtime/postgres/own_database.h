/// A database of its own on a server, gone with its owner: for what measures or tests.
#pragma once

#include <string>

#include "base/result.h"

namespace reprise::runtime::postgres {

class OwnDatabase {  // Threads: one.
 public:
  /// `server`: as libpq reads it; who it names may create databases.  `name`: letters, digits, '-'.
  static Result<OwnDatabase> Make(const std::string& server, const std::string& name);
  /// Drops it, also while others are connected.
  ~OwnDatabase();
  OwnDatabase(OwnDatabase&& other) noexcept;
  OwnDatabase(const OwnDatabase&) = delete;
  OwnDatabase& operator=(const OwnDatabase&) = delete;

  /// Without rows of the runtime and tables of plugins, as if it was new; nobody is connected.
  Status Clear() const;

  /// `server`, with this database in place of the one it names.
  const std::string& url() const { return url_; }

 private:
  OwnDatabase(std::string server, std::string name);

  std::string server_, name_, url_;  // no name: nothing to drop
};

}  // namespace reprise::runtime::postgres
