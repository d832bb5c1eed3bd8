// Row 20 of the fault matrix: the power fails at every write and sync, pages are torn, and what was
// not synced is lost: the file is sound afterwards, what a Commit answered for is there, and
// nothing else is there by half.
#include <array>
#include <cstdio>
#include <set>
#include <utility>

#include "scratch.h"
#include "torn_disk.h"

namespace reprise::runtime {
namespace {

constexpr std::uint32_t kTransactions = 8;

class TornTest : public Scratch {
 protected:
  using Unsynced = TornDisk::Unsynced;

  TornTest() {  // more than a thousand starts: none needs a disk that is waited for
    std::string name = "/dev/shm/sqlite-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) return;
    std::filesystem::remove_all(std::exchange(folder_, name));
  }

  /// An empty folder.
  std::filesystem::path Folder(const char* name) const {
    const std::filesystem::path folder = folder_ / name;
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    return folder;
  }

  /// Sagas, messages, a plugin's rows and one row that every transaction changes; how many of them
  /// were answered for.
  std::uint32_t Work(const std::filesystem::path& folder) {
    auto opened = SqliteEngine::Open(
        {.file = (folder / "journal.db").string(), .cache_kib = 64, .checkpoint_pages = 12});
    if (!opened) return 0;
    Journal& j = (*opened)->journal();
    if (!MakeBooks(j)) return 0;
    for (std::uint32_t n = 1; n <= kTransactions; ++n) {
      if (!One(j, n)) return n - 1;
    }
    return kTransactions;
  }

  static Status MakeBooks(Journal& j) {
    return j.Migrate(std::vector<Journal::PluginMigration>{
        {"shop", 1,
         "CREATE TABLE shop_book(id INTEGER PRIMARY KEY, name TEXT); "
         "CREATE TABLE shop_sum(n INTEGER)"},
        {"shop", 2, "INSERT INTO shop_sum VALUES(0)"}});
  }

  static bool One(Journal& j, std::uint32_t n) {
    auto tx = j.Begin();
    if (!tx) return false;
    const std::string name(500 + 700 * (n % 7), static_cast<char>('a' + n));
    const std::array<SqlValue, 2> row = {SqlValue{.type = SqlValue::kInteger, .integer = n},
                                         SqlValue{.type = SqlValue::kText, .text = name}};
    std::vector<Message> outbox(1);
    outbox[0].id = SagaOf(n).id;
    outbox[0].saga = SagaOf(n).id;
    return (*tx)->Create(std::vector{SagaOf(n)}).ok() &&
           (*tx)->sql().Run("INSERT INTO shop_book VALUES($1, $2)", row, {}).ok() &&
           (*tx)->sql().Run("UPDATE shop_sum SET n = n + 1", {}, {}).ok() &&
           (*tx)->Commit(outbox).ok();
  }

  /// The file as the disk holds it: it opens, and all that it holds is whole.
  void Check(const std::filesystem::path& folder, std::uint32_t answered) {
    Open({.file = (folder / "journal.db").string()});
    if (HasFatalFailure()) return;
    ASSERT_TRUE(MakeBooks(journal()).ok());
    std::uint32_t there = 0;
    while (there < kTransactions && journal().FindSaga(SagaOf(there + 1).id)->has_value()) ++there;
    EXPECT_GE(there, answered) << "a Commit was answered and is lost";
    EXPECT_LE(there, answered + 1) << "more than the one that was on its way";
    EXPECT_EQ(Number("SELECT count(*) FROM shop_book"), there);
    EXPECT_EQ(Number("SELECT coalesce(max(id), 0) FROM shop_book"), there);
    EXPECT_EQ(Number("SELECT n FROM shop_sum"), there);
    EXPECT_EQ(*engine_->bus().Lag(), there);
    EXPECT_TRUE(One(journal(), there + 1)) << "it goes on";
    engine_.reset();
    EXPECT_EQ(Raw(folder / "journal.db", "PRAGMA integrity_check"), "ok");
    EXPECT_EQ(Raw(folder / "journal.db", "SELECT count(*) FROM rp_saga"),
              std::to_string(there + 1));
  }

  /// What SQLite itself says of a file.
  static std::string Raw(const std::filesystem::path& file, const char* sql) {
    sqlite3* db = nullptr;
    std::string said = "nothing";
    sqlite3_open_v2(file.c_str(), &db, SQLITE_OPEN_READONLY, nullptr);
    const auto note = [](void* out, int, char** row, char**) {
      *static_cast<std::string*>(out) = row[0];
      return 0;
    };
    sqlite3_exec(db, sql, note, &said, nullptr);
    sqlite3_close(db);
    return said;
  }
};

TEST_F(TornTest, AfterAPowerCutAtAnyWriteOrSyncTheFileIsSoundAndHoldsWhatWasAnswered) {
  std::set<std::uint32_t> seen;
  int cuts = 0;
  for (bool off = true; off && !HasFailure(); ++cuts) {
    SCOPED_TRACE("cut at operation " + std::to_string(cuts));
    std::uint32_t answered = 0;
    {
      TornDisk disk(cuts);
      answered = Work(Folder("process"));
      off = disk.off();
      disk.PowerUp(Folder("lost"), Unsynced::kLost, 0);
      disk.PowerUp(Folder("kept"), Unsynced::kKept, 0);
      disk.PowerUp(Folder("some"), Unsynced::kSome, static_cast<std::uint32_t>(cuts));
    }
    for (const char* const disk : {"lost", "kept", "some"}) {
      SCOPED_TRACE(disk);
      Check(folder_ / disk, answered);
    }
    seen.insert(answered);
  }
  EXPECT_EQ(seen.size(), kTransactions + 1) << "cut between any two of them";
  std::printf("%d cuts\n", cuts);
}

}  // namespace
}  // namespace reprise::runtime
