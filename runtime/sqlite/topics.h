/// Topics of others, embedded: JSON Lines in `<file>.topics/<topic>.jsonl`, at least once.
///
/// Send stores a record as a row in the transaction that made it; Drain, after the commit, appends
/// it to its file.  Rows go in pieces, in a later transaction and only once the files are on disk,
/// so that neither a commit nor a sync is paid per batch; what a crash leaves is appended again at
/// start. A file of 64 MiB becomes `<topic>.1.jsonl`, which becomes `<topic>.2.jsonl`, and so on.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "ports/journal.h"
#include "sqlite/database.h"

namespace reprise::runtime::sqlite {

class Topics {
 public:
  /// `folder` empty: records are stored and forgotten (a database in memory).
  Topics(Database& db, std::string folder) : db_(db), folder_(std::move(folder)) {}
  ~Topics();
  Topics(const Topics&) = delete;
  Topics& operator=(const Topics&) = delete;

  Status Load();
  Status Send(std::span<const Transaction::Foreign> records);
  /// Before a commit: drops the rows of what is safely in its files, if it is worth it or `all`.
  Status Forget(bool all);
  void Committed();
  void RolledBack();
  Status Drain();

 private:
  struct Row {
    std::int64_t seq = 0;
    Transaction::Foreign record;
  };
  struct File {
    int fd = -1;
    std::int64_t bytes = 0;
    bool unsynced = false;
  };
  Result<File*> Open(const std::string& topic);
  Status Append(const Row& row);
  Status Rotate(const std::string& topic, File& file);
  Status Sync();
  std::string PathOf(const std::string& topic, int old) const;

  Database& db_;
  const std::string folder_;
  std::map<std::string, File, std::less<>> files_;
  std::vector<Row> sent_;                                      // by the open transaction
  std::vector<Row> waiting_;                                   // committed, not in a file yet
  std::int64_t last_ = 0;                                      // the highest row number given
  std::int64_t written_ = 0, forgotten_ = 0, forgetting_ = 0;  // rows up to these
};

}  // namespace reprise::runtime::sqlite
