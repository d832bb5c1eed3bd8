/// Database: the worker's one connection, its prepared statements, and what a failure is called.
///
/// A connection that breaks is given up with everything in it, and the next use makes another one:
/// nothing ever goes on quietly in a session that is not the one it began in.  After an attempt
/// that failed everything fails at once for a moment, so that a batch does not wait once for each
/// of its questions.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "postgres/answer.h"
#include "postgres/options.h"
#include "postgres/params.h"
#include "postgres/stats.h"

namespace reprise::runtime::postgres {

/// A failure as the server told it.
struct Refusal {
  std::string sqlstate;
  std::string message;
  int position = 0;  // in the statement, from 1; 0: not said
};

class Database {  // Threads: one at a time.
 public:
  Database(const Options& options, Stats& stats) : options_(options), stats_(stats) {}
  ~Database() { Close(); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// Makes sure of a session with our settings.
  Status Connect();
  void Close();
  /// Ends the connection as a broken wire does: without a word to the server.
  void Cut();
  bool connected() const { return connection_ != nullptr; }
  PGconn* handle() const { return connection_; }

  enum Plan {
    kOnce,  // planned for these very values: whatever joins a table with what it is given
    kKeep   // prepared in the session; `sql` is a literal, its address is the key
  };
  /// One statement, one round trip.
  Result<Answer> Run(const char* sql, Params params = {}, Plan plan = kKeep);
  Result<Answer> Once(const std::string& sql, Params params = {});

  /// A statement prepared by name, for texts that others write.
  Status Prepare(const std::string& name, const std::string& sql, std::span<const Oid> types);
  Result<Answer> RunPrepared(const std::string& name, Params& params);
  /// Without parameters, one or more statements; for what has no binary form.
  Status Execute(const std::string& sql);

  /// Several statements in one round trip.  The first that fails ends it: those behind it are not
  /// run.
  class Pipeline {
   public:
    explicit Pipeline(Database& db) : db_(db) {}
    void Add(const char* sql, Params params = {}, Plan plan = kKeep);
    std::size_t size() const { return steps_.size(); }
    /// The answers, in order.  On an error failed() is the index of the statement it is of.
    Result<std::vector<Answer>> Run();
    std::size_t failed() const { return failed_; }
    /// The last statement was sent, and no answer to it came.
    bool in_doubt() const { return in_doubt_; }

   private:
    struct Step {
      const char* sql;
      Params params;
      Plan plan;
      bool preparing = false;
      std::string name;
    };
    bool Send(Step& step);
    std::optional<Error> Collect(Step& step, std::vector<Answer>& out);

    Database& db_;
    std::vector<Step> steps_;
    std::size_t failed_ = 0;
    bool in_doubt_ = false;
  };

  /// One writing statement that is a transaction of its own.
  Result<Answer> Write(const char* sql, Params params = {}, Plan plan = kKeep);

  PGTransactionStatusType state() const {
    return connection_ == nullptr ? PQTRANS_UNKNOWN : PQtransactionStatus(connection_);
  }
  /// What the last error was.
  const Refusal& refusal() const { return refusal_; }
  /// Changes whenever there is another session.
  std::int64_t session() const { return stats_.connections; }
  int server_version() const { return server_version_; }
  /// Why the server cannot be reached, or has been silent for long; nothing while it answers.
  /// Threads: any.
  std::optional<std::string> Trouble() const;
  /// "host:port/database"; never a password.
  std::string Where() const;

 private:
  Status Open();
  Status SetUp();
  Status Away(Error why);
  void Troubled(std::optional<std::string> why);
  /// The next result, waited for no longer than a statement may take.  Null: there is none.
  Result<PGresult*> Next();
  Result<Answer> Last();  // of a statement that was sent alone
  Error ErrorOf(PGresult* result);
  Error Broken();
  std::string NameOf(const char* sql) const;

  const Options& options_;
  Stats& stats_;
  PGconn* connection_ = nullptr;
  std::unordered_map<const void*, bool> prepared_;
  Refusal refusal_;
  int server_version_ = 0;
  std::chrono::steady_clock::time_point not_before_{};  // the next attempt to connect
  Error away_;                                          // why the last one failed

  mutable std::mutex mutex_;  // guards what follows
  std::optional<std::string> trouble_;
};

}  // namespace reprise::runtime::postgres
