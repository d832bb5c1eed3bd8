/// Core: what journal, transaction and lanes of one worker share.  Internal to this folder.
#pragma once

#include "postgres/database.h"
#include "postgres/plans.h"
#include "postgres/text_cache.h"
#include "postgres/worker.h"

namespace reprise::runtime::postgres {

struct Core {
  explicit Core(Options given)
      : options(std::move(given)),
        db(options, stats),
        worker(db, options, stats),
        plans(db, worker),
        texts(db) {}

  Time Now() const { return options.clock == nullptr ? SystemClock().Now() : options.clock->Now(); }

  const Options options;
  Stats stats;
  Database db;
  Worker worker;
  Plans plans;
  TextCache texts;
  bool in_transaction = false;
};

}  // namespace reprise::runtime::postgres
