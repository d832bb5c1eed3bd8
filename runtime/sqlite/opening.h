/// Opening the file: one process, one connection, and a clear word for everything that can be wrong
/// with it.
#pragma once

#include <memory>
#include <string_view>

#include "sqlite/database.h"
#include "sqlite/options.h"

namespace reprise::runtime::sqlite {

struct Opened {
  std::unique_ptr<Database> db;
  bool unclean = false;  // the last runtime of this file did not stop by itself; it was checked
};

/// `image`: what a database in memory begins with.
Result<Opened> OpenFile(const Options& options, std::string_view image = {});

/// The last words of a runtime that stops by itself.
Status MarkClean(Database& db);

}  // namespace reprise::runtime::sqlite
