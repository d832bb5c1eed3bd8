/// The embedded engine: journal and bus in one SQLite file, with one connection and no servers.
///
///   auto engine = SqliteEngine::Open({.file = "journal.db"});
///
/// With ":memory:" as the file it is the memory engine, with the same crash semantics: what was
/// committed is in Image(), and another engine begins with that.
///
/// One process holds the file at a time.  The destructor is the clean stop; after anything else the
/// next Open checks the file.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "ports/bus.h"
#include "ports/journal.h"
#include "sqlite/options.h"
#include "sqlite/stats.h"

namespace reprise::runtime {

class SqliteEngine {  // Threads: one at a time; no transaction is open when it is destroyed.
 public:
  using Options = sqlite::Options;
  using Stats = sqlite::Stats;

  /// `image`: what a database in memory begins with, as Image() answered it.
  static Result<std::unique_ptr<SqliteEngine>> Open(Options options, std::string_view image = {});
  ~SqliteEngine();
  SqliteEngine(const SqliteEngine&) = delete;
  SqliteEngine& operator=(const SqliteEngine&) = delete;

  Journal& journal();
  Bus& bus();
  const Stats& stats() const;

  /// Runs `work`, whose commits reach the disk together when it ends, not one by one: for a start,
  /// which begins again after a crash.  Answers the first error; each commit is durable afterwards.
  Status DurableAtEnd(const std::function<Status()>& work);

  /// What a crash right now would leave, as the bytes of a database.  Not inside a transaction.
  Result<std::string> Image();
  /// The destructor is no clean stop any more: nothing is settled, as if the process had died.
  void Abandon() { abandoned_ = true; }

  /// The last runtime of this file was killed; the file was checked and is sound.
  bool recovered() const { return recovered_; }

 private:
  struct Parts;
  explicit SqliteEngine(std::unique_ptr<Parts> parts, bool recovered);

  std::unique_ptr<Parts> parts_;
  const bool recovered_;
  bool abandoned_ = false;
};

}  // namespace reprise::runtime
