/// Core: what journal, transaction and bus of one file share.  Internal to this folder.
#pragma once

#include "sqlite/bus.h"
#include "sqlite/database.h"
#include "sqlite/options.h"
#include "sqlite/plans.h"
#include "sqlite/stats.h"
#include "sqlite/text_cache.h"

namespace reprise::runtime::sqlite {

struct Core {
  Core(Options given, std::unique_ptr<Database> database)
      : options(std::move(given)),
        db(std::move(database)),
        plans(*db),
        texts(*db),
        topics(*db, options.file == ":memory:" ? "" : options.file + ".topics"),
        bus(*db, topics) {}

  Time Now() const { return options.clock == nullptr ? SystemClock().Now() : options.clock->Now(); }

  const Options options;
  const std::unique_ptr<Database> db;
  Plans plans;
  TextCache texts;
  Topics topics;
  SqliteBus bus;
  Stats stats;
  bool in_transaction = false;
  Uuid highest;  // no saga in the file has an id above this one
};

}  // namespace reprise::runtime::sqlite
