// Everything that can be wrong with the file says so in a line.
#include <functional>

#include <gmock/gmock.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scratch.h"
#include "sqlite/schema.h"

namespace reprise::runtime {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

/// Another process that has the file open, until it is killed at the end of the scope.
class Holder {
 public:
  explicit Holder(const std::string& file) {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    child_ = ::fork();
    if (child_ == 0) {
      const auto engine = SqliteEngine::Open({.file = file});
      const char done = engine.ok() ? 'y' : 'n';
      (void)!::write(ends[1], &done, 1);
      for (;;) ::pause();
    }
    char done = 'n';
    EXPECT_EQ(::read(ends[0], &done, 1), 1);
    EXPECT_EQ(done, 'y');
    ::close(ends[0]);
    ::close(ends[1]);
  }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
  ~Holder() {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }

 private:
  pid_t child_ = -1;
};

class OpeningTest : public Scratch {
 protected:
  /// Runs `body` in another process; its last words come back.
  static std::string Elsewhere(const std::function<std::string()>& body) {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      const std::string words = body();
      (void)!::write(ends[1], words.data(), words.size());
      ::_exit(0);
    }
    ::close(ends[1]);
    std::string words;
    char buffer[512];
    for (ssize_t n = 0; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;)
      words.append(buffer, static_cast<size_t>(n));
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
    return words;
  }
  static std::string Try(SqliteEngine::Options options) {
    const auto opened = SqliteEngine::Open(std::move(options));
    return opened.ok() ? "opened" : opened.error().message;
  }
  void RawSql(const std::string& sql) const {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(File().c_str(), &db), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(db);
    sqlite3_close(db);
  }
  /// Makes a file with some sagas in it, cleanly closed.
  void Fill(std::uint32_t sagas = 500) {
    Open();
    const auto tx = Begin();
    std::vector<Saga> many;
    for (std::uint32_t n = 0; n < sagas; ++n) many.push_back(SagaOf(n));
    ASSERT_TRUE(tx->Create(many).ok());
    ASSERT_TRUE(tx->Commit({}).ok());
  }
};

TEST_F(OpeningTest, NamesAMissingDirectory) {
  EXPECT_THAT(Refusal({.file = File("no/where/journal.db")}),
              HasSubstr("the directory " + File("no/where") + " does not exist"));
}

TEST_F(OpeningTest, RefusesADirectoryAndNoName) {
  EXPECT_THAT(Refusal({.file = folder_.string()}), HasSubstr("is a directory"));
  EXPECT_THAT(Refusal({}), HasSubstr("no database file is named"));
}

TEST_F(OpeningTest, RefusesWhatIsNoDatabaseAndLeavesItAlone) {
  const std::string letter(5000, 'x');
  Write("journal.db", letter);
  EXPECT_THAT(Refusal({.file = File()}),
              AllOf(StartsWith(File()), HasSubstr("is not a Reprise database")));
  EXPECT_EQ(Bytes("journal.db"), letter);
}

TEST_F(OpeningTest, RefusesADatabaseOfAnotherProgramAndLeavesItAlone) {
  RawSql("CREATE TABLE theirs(a); INSERT INTO theirs VALUES(1)");
  const std::string before = Bytes("journal.db");
  EXPECT_THAT(Refusal({.file = File()}), HasSubstr("is not a Reprise database"));
  EXPECT_EQ(Bytes("journal.db"), before);
  EXPECT_FALSE(Exists("journal.db-wal"));
}

TEST_F(OpeningTest, RefusesADamagedFile) {
  Fill(3000);
  engine_.reset();
  std::string bytes = Bytes("journal.db");
  ASSERT_GT(bytes.size(), 100'000u);
  Write("journal.db", bytes.substr(0, 60'000));  // cut off
  EXPECT_THAT(Refusal({.file = File()}), HasSubstr("is damaged"));
}

TEST_F(OpeningTest, ChecksTheFileAfterAnUncleanStop) {
  Fill(3000);
  engine_.reset();
  RawSql("UPDATE rp_meta SET value = '0' WHERE name = 'rp.clean'");
  Open();
  EXPECT_TRUE(engine_->recovered());
  Open();
  EXPECT_FALSE(engine_->recovered()) << "the stop in between was clean";
  engine_.reset();
  RawSql("UPDATE rp_meta SET value = '0' WHERE name = 'rp.clean'");
  std::string bytes = Bytes("journal.db");
  for (size_t page = 10; page < bytes.size() / 4096; page += 7)
    bytes.replace(page * 4096, 64, std::string(64, '\x7f'));
  Write("journal.db", bytes);
  EXPECT_THAT(Refusal({.file = File()}), HasSubstr("is damaged after an unclean stop"));
}

TEST_F(OpeningTest, RefusesTheFileOfANewerVersion) {
  Open();
  engine_.reset();
  RawSql("PRAGMA user_version = 99");
  EXPECT_THAT(Refusal({.file = File()}),
              HasSubstr("was written by a newer Reprise (schema 99; this one knows " +
                        std::to_string(sqlite::kSchemaVersion) + ")"));
}

TEST_F(OpeningTest, SaysThatAnotherProcessHoldsTheFile) {
  {
    const Holder holder(File());
    EXPECT_THAT(Refusal({.file = File(), .lock_wait = Millis(1)}),
                HasSubstr("is in use by another process"));
    EXPECT_THAT(Refusal({.file = File(), .read_only = true, .lock_wait = Millis(1)}),
                HasSubstr("is in use by another process"));
  }  // killed
  Open();
  EXPECT_TRUE(engine_->recovered());
}

TEST_F(OpeningTest, SaysThatItLacksPermission) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to become someone else";
  Open();
  engine_.reset();
  ::chmod(folder_.c_str(), 0755);
  const auto as_nobody = [&](SqliteEngine::Options options) {
    return Elsewhere([&] { return ::setuid(65534) == 0 ? Try(std::move(options)) : "no setuid"; });
  };
  EXPECT_THAT(as_nobody({.file = File("new.db")}), HasSubstr("no permission to create it"));
  EXPECT_THAT(as_nobody({.file = File()}), HasSubstr("no permission to write it"));
  ::chmod(File().c_str(), 0666);
  EXPECT_THAT(as_nobody({.file = File()}), HasSubstr("no permission to write in"));
  ::chmod(File().c_str(), 0600);
  EXPECT_THAT(as_nobody({.file = File(), .read_only = true}),
              HasSubstr("no permission to read it"));
}

TEST_F(OpeningTest, ReadsAStoppedFileAndLeavesNothingBehind) {
  Fill(10);
  engine_.reset();
  const std::string before = Bytes("journal.db");
  Open({.file = File(), .read_only = true});
  EXPECT_EQ(journal().ListSagas({})->size(), 10u);
  EXPECT_FALSE(journal().Begin().ok());
  EXPECT_FALSE(journal().Count("a", 1, 0).ok());
  EXPECT_FALSE(journal().PutPlan("a", "b", "c").ok());
  EXPECT_THAT(journal().About(), HasSubstr("read only"));
  engine_.reset();
  EXPECT_EQ(Bytes("journal.db"), before);
  EXPECT_FALSE(Exists("journal.db-wal"));
  EXPECT_FALSE(Exists("journal.db-shm"));
}

TEST_F(OpeningTest, ReadsAStoppedFileWithoutPermissionToWrite) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to become someone else";
  Fill(10);
  const auto as_nobody = [&] {
    return Elsewhere([&]() -> std::string {
      if (::setuid(65534) != 0) return "no setuid";
      const auto opened =
          SqliteEngine::Open({.file = File(), .read_only = true, .lock_wait = Millis(1)});
      if (!opened.ok()) return opened.error().message;
      return std::to_string((*opened)->journal().ListSagas({})->size());
    });
  };
  ::chmod(folder_.c_str(), 0755);
  ::chmod(File().c_str(), 0644);
  engine_.reset();
  {
    const Holder holder(File());
    EXPECT_THAT(as_nobody(), HasSubstr("is in use by another process"));
  }
  Open();
  engine_.reset();
  EXPECT_EQ(as_nobody(), "10");
  Write("journal.db-wal", "something");
  EXPECT_THAT(as_nobody(), HasSubstr("was not stopped cleanly"));
}

TEST_F(OpeningTest, NeedsAFileToRead) {
  EXPECT_THAT(Refusal({.file = File(), .read_only = true}), HasSubstr("there is no such file"));
  Write("journal.db", "");
  EXPECT_THAT(Refusal({.file = File(), .read_only = true}), HasSubstr("is not a Reprise database"));
}

TEST_F(OpeningTest, HoldsTheSettingsThatKeepWhatIsPromised) {
  Open();
  EXPECT_THAT(journal().About(), HasSubstr("WAL"));
  EXPECT_THAT(journal().About(), HasSubstr(File()));
  engine_.reset();
  RawSql("SELECT 1");  // closed: no lock is left
  EXPECT_FALSE(Exists("journal.db-wal")) << "a clean stop leaves one file";
}

TEST_F(OpeningTest, RefusesWhatIsCalledAFileAndKeepsNothing) {
  EXPECT_THAT(Refusal({.file = "file:journal.db?mode=memory"}), HasSubstr("name a file on a disk"));
}

TEST_F(OpeningTest, OpensADatabaseInMemoryForTests) {
  Open({.file = ":memory:"});
  MakeShop();
  const auto tx = Begin();
  EXPECT_TRUE(tx->Create(std::vector{SagaOf(1)}).ok());
  EXPECT_TRUE(tx->Commit({}).ok());
}

}  // namespace
}  // namespace reprise::runtime
