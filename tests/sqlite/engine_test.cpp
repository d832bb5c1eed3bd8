// What is SQLite's own: one commit a batch, hop commits, backups, topics as files, indexes that are
// used.
#include <gmock/gmock.h>
#include <sqlite3.h>

#include "counted_syncs.h"
#include "scratch.h"

namespace reprise::runtime {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class EngineTest : public Scratch {
 protected:
  static Transaction::Foreign RecordOf(int n, const std::string& topic = "seats") {
    return {topic, "A-" + std::to_string(n), "{\"n\": " + std::to_string(n) + "}",
            FromMillis(1'767'225'600'000)};
  }
  void Send(std::vector<Transaction::Foreign> records) {
    const auto tx = Begin();
    ASSERT_TRUE(tx->Send(records).ok());
    ASSERT_TRUE(tx->Commit({}).ok());
    ASSERT_TRUE(engine_->bus().Publish({}).ok());
  }
  std::vector<std::string> Lines(const std::string& name) const {
    std::vector<std::string> out;
    std::ifstream in(File(name));
    for (std::string line; std::getline(in, line);) out.push_back(line);
    return out;
  }
};

TEST_F(EngineTest, CommitsOncePerTransaction) {
  Open();
  MakeShop();
  const std::int64_t before = engine_->stats().commits;
  const auto tx = Begin();
  std::vector<Saga> sagas;
  std::vector<Message> outbox(3);
  for (std::uint32_t n = 0; n < 100; ++n) sagas.push_back(SagaOf(n));
  ASSERT_TRUE(tx->Create(sagas).ok());
  ASSERT_TRUE(tx->sql().Run("INSERT INTO shop VALUES(1, 'a')", {}, {}).ok());
  ASSERT_TRUE(tx->Commit(outbox).ok());
  EXPECT_EQ(engine_->stats().commits, before + 1);
  EXPECT_GT(engine_->stats().last_commit_s, 0);
  EXPECT_GE(engine_->stats().commit_s, engine_->stats().last_commit_s);
}

TEST_F(EngineTest, AStartsCommitsReachTheDiskTogether) {
  const CountedSyncs syncs;
  Open();
  const int before = syncs.count();
  const Status done = engine_->DurableAtEnd([&]() -> Status {
    MakeShop();
    for (int n = 0; n < 10; ++n) {
      if (Status put = journal().PutPlan(std::to_string(n), "order", "text"); !put) return put;
    }
    EXPECT_EQ(syncs.count(), before);
    return {};
  });
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(syncs.count(), before + 1);
}

TEST_F(EngineTest, EachCommitIsDurableAfterAStartThatFailedOrNot) {
  const CountedSyncs syncs;
  Open();
  for (const bool good : {true, false}) {
    const Status done = engine_->DurableAtEnd([&] {
      return good ? Status() : Status(Error{Code::kInvalid, "no"});
    });
    EXPECT_EQ(done.ok(), good);
    const int before = syncs.count();
    ASSERT_TRUE(Begin()->Commit({}).ok());
    ASSERT_TRUE(journal().PutPlan(good ? "a" : "b", "order", "text").ok());
    EXPECT_EQ(syncs.count(), before + 1);
  }
}

TEST_F(EngineTest, CommitsACounterOncePerThousand) {
  Open();
  const std::int64_t before = engine_->stats().commits;
  for (int i = 0; i < 5005; ++i) ASSERT_TRUE(journal().Count("order", 10, 0).ok());
  EXPECT_EQ(engine_->stats().commits, before + 5);
}

TEST_F(EngineTest, TakesNoMessageAlongWhenEveryHopIsACommit) {
  Open({.file = File(), .hop_commits = true});
  const auto tx = Begin();
  std::vector<Message> outbox(2);
  EXPECT_TRUE(tx->TakeLocal(outbox).empty());
  EXPECT_EQ(outbox.size(), 2u);
}

TEST_F(EngineTest, TakesMessagesAlongForAsManyRoundsAsItMay) {
  Open({.file = File(), .rounds = 2});
  const auto tx = Begin();
  for (const size_t taken : {1u, 1u, 0u}) {
    std::vector<Message> outbox(1);
    EXPECT_EQ(tx->TakeLocal(outbox).size(), taken);
  }
}

TEST_F(EngineTest, MakesABackupThatOpensWithEverything) {
  Open();
  MakeShop();
  const auto tx = Begin();
  ASSERT_TRUE(tx->Create(std::vector{SagaOf(1)}).ok());
  ASSERT_TRUE(tx->sql().Run("INSERT INTO shop VALUES(1, 'a')", {}, {}).ok());
  EXPECT_FALSE(journal().Backup(File("early.db")).ok()) << "a transaction is open";
  ASSERT_TRUE(tx->Commit({}).ok());
  const Status done = journal().Backup(File("copy.db"));
  ASSERT_TRUE(done.ok()) << done.error().message;
  const Status again = journal().Backup(File("copy.db"));
  ASSERT_FALSE(again.ok());
  EXPECT_THAT(again.error().message, HasSubstr("exists already"));
  EXPECT_THAT(journal().Backup(File("no/where.db")).error().message, HasSubstr("does not exist"));
  EXPECT_FALSE(Exists("copy.db.part"));
  Open({.file = File("copy.db")});
  EXPECT_FALSE(engine_->recovered());
  EXPECT_TRUE(journal().FindSaga(SagaOf(1).id)->has_value());
  EXPECT_EQ(Number("SELECT count(*) FROM shop"), 1);
}

// ---------------------------------------------------------------- topics

TEST_F(EngineTest, AppendsSentRecordsAsLinesAfterTheCommit) {
  Open();
  {
    const auto tx = Begin();
    ASSERT_TRUE(tx->Send(std::vector{RecordOf(1)}).ok());
  }  // rolled back
  Send({RecordOf(2), RecordOf(3), {"raw", "k", "not json", FromMillis(1'767'225'600'000)}});
  EXPECT_THAT(
      Lines("journal.db.topics/seats.jsonl"),
      testing::ElementsAre(R"({"key":"A-2","value":{"n":2},"at":"2026-01-01T00:00:00.000Z"})",
                           R"({"key":"A-3","value":{"n":3},"at":"2026-01-01T00:00:00.000Z"})"));
  EXPECT_THAT(Lines("journal.db.topics/raw.jsonl").at(0), HasSubstr(R"("value":"not json")"));
  Open();
  EXPECT_EQ(Lines("journal.db.topics/seats.jsonl").size(), 2u)
      << "a clean stop sends nothing twice";
}

TEST_F(EngineTest, AppendsWhatACrashLeftUnsent) {
  Open();
  {
    const auto tx = Begin();
    ASSERT_TRUE(tx->Send(std::vector{RecordOf(1)}).ok());
    ASSERT_TRUE(tx->Commit({}).ok());
  }  // never published
  EXPECT_FALSE(Exists("journal.db.topics/seats.jsonl"));
  Open();
  EXPECT_EQ(Lines("journal.db.topics/seats.jsonl").size(), 1u);
}

TEST_F(EngineTest, BeginsANewLineAfterACutOne) {
  Open();
  std::filesystem::create_directory(File("journal.db.topics"));
  Write("journal.db.topics/seats.jsonl", "{\"key\":\"A-");
  Send({RecordOf(1)});
  const auto lines = Lines("journal.db.topics/seats.jsonl");
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_THAT(lines[1], HasSubstr("A-1"));
}

TEST_F(EngineTest, RotatesATopicAt64MiB) {
  Open();
  Send({RecordOf(1)});
  engine_.reset();
  std::filesystem::resize_file(File("journal.db.topics/seats.jsonl"), (64 << 20) - 1);
  Open();
  Send({RecordOf(2)});
  Send({RecordOf(3)});
  EXPECT_GE(std::filesystem::file_size(File("journal.db.topics/seats.1.jsonl")), 64u << 20);
  ASSERT_EQ(Lines("journal.db.topics/seats.jsonl").size(), 1u);
  EXPECT_THAT(Lines("journal.db.topics/seats.jsonl")[0], HasSubstr("A-3"));
}

TEST_F(EngineTest, RefusesATopicThatIsNoFilesName) {
  Open();
  const auto tx = Begin();
  for (const char* topic : {"", "../up", ".hidden", "a/b", "a b"}) {
    const Status sent = tx->Send(std::vector{RecordOf(1, topic)});
    ASSERT_FALSE(sent.ok()) << topic;
    EXPECT_EQ(sent.error().code, Code::kInvalid);
  }
}

// ---------------------------------------------------------------- refusals

TEST_F(EngineTest, RefusesParametersOfOtherDatabases) {
  Open();
  const auto tx = Begin();
  const SqlValue one[] = {{.type = SqlValue::kInteger, .integer = 1}};
  for (const char* sql : {"SELECT ?", "SELECT ?1", "SELECT :a", "SELECT @a", "SELECT $a",
                          "SELECT $1::int", "SELECT $0"}) {
    const auto ran = tx->sql().Run(sql, one, {});
    ASSERT_FALSE(ran.ok()) << sql;
    EXPECT_THAT(ran.error().message, HasSubstr("parameters are $1, $2")) << sql;
  }
}

TEST_F(EngineTest, SaysWhyAStatementIsRefused) {
  Open();
  MakeShop();
  const auto tx = Begin();
  const auto why = [&](const char* sql) { return tx->sql().Run(sql, {}, {}).error().message; };
  EXPECT_THAT(why("COMMIT"), HasSubstr("the transaction and the file are the runtime's"));
  EXPECT_THAT(why("VACUUM"), HasSubstr("VACUUM"));
  EXPECT_THAT(why("EXPLAIN COMMIT"), HasSubstr("EXPLAIN"));
  EXPECT_THAT(why("SELECT * FROM rp_saga"), HasSubstr("table 'rp_saga' is the runtime's own"));
  EXPECT_THAT(why("SELECT * FROM sqlite_schema"), HasSubstr("the runtime's own"));
  EXPECT_THAT(why("CREATE TABLE shop_b(a)"), HasSubstr("by migrations only"));
  EXPECT_FALSE(tx->sql().Run("SELECT * FROM pragma_table_info('shop')", {}, {}).ok());
  EXPECT_TRUE(tx->sql().Run("SELECT value FROM json_each('[1, 2]')", {}, {}).ok());
  EXPECT_THAT(why("SELECT nam FROM shop"), HasSubstr("no such column: nam"));
  EXPECT_TRUE(tx->sql()
                  .Run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5)"
                       " INSERT INTO shop SELECT i, 'x' FROM n",
                       {}, {})
                  .ok());
}

TEST_F(EngineTest, ForgetsTheLeastRecentOfManyStatements) {
  Open();
  MakeShop();
  const auto tx = Begin();
  for (int i = 0; i < 1200; ++i) {
    ASSERT_TRUE(
        tx->sql().Run("SELECT id FROM shop WHERE id = " + std::to_string(i % 700), {}, {}).ok());
  }
}

TEST_F(EngineTest, CannotBeTrickedByATriggerOrAView) {
  Open();
  ASSERT_TRUE(
      journal()
          .Migrate(std::vector<Journal::PluginMigration>{
              {"shop", 1,
               "CREATE TABLE shop(id INTEGER); CREATE VIEW shop_spy AS SELECT id FROM rp_saga;"
               "CREATE TRIGGER shop_t AFTER INSERT ON shop BEGIN DELETE FROM rp_saga; END"}})
          .ok());
  const auto tx = Begin();
  EXPECT_FALSE(tx->sql().Run("INSERT INTO shop VALUES(1)", {}, {}).ok());
  EXPECT_FALSE(tx->sql().Run("SELECT * FROM shop_spy", {}, {}).ok());
}

// ---------------------------------------------------------------- what must not slow down with the
// years

TEST_F(EngineTest, FindsDueExpiredAndOpenSagasByIndex) {
  Open();
  engine_.reset();
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(File().c_str(), &db), SQLITE_OK);
  const auto plan = [&](const std::string& sql) {
    std::string out;
    sqlite3_exec(
        db, ("EXPLAIN QUERY PLAN " + sql).c_str(),
        [](void* text, int, char** columns, char**) {
          static_cast<std::string*>(text)->append(columns[3]).append("; ");
          return 0;
        },
        &out, nullptr);
    return out;
  };
  EXPECT_THAT(
      plan("SELECT * FROM rp_due d WHERE d.due <= ?1 ORDER BY d.due, d.saga, d.step LIMIT 5"),
      AllOf(HasSubstr("SEARCH d USING INDEX rp_due_due"), Not(HasSubstr("TEMP B-TREE"))));
  EXPECT_THAT(plan("SELECT min(due) FROM rp_due"), HasSubstr("rp_due_due"));
  EXPECT_THAT(plan("SELECT * FROM rp_due d WHERE d.line = ?1 ORDER BY d.due, d.saga"),
              AllOf(HasSubstr("rp_due_line"), Not(HasSubstr("TEMP B-TREE"))));
  EXPECT_THAT(plan("SELECT id FROM rp_saga INDEXED BY rp_saga_ended WHERE plan = 1 AND state = 2 "
                   "AND state IN (2, 3)"
                   " AND ended < 5 ORDER BY ended LIMIT 5"),
              AllOf(HasSubstr("(plan=? AND state=? AND ended<?)"), Not(HasSubstr("TEMP B-TREE"))));
  EXPECT_THAT(
      plan("SELECT s.id FROM rp_saga s INDEXED BY rp_saga_open WHERE s.plan = 1 AND s.state = 0"
           " AND s.state NOT IN (2, 3) AND s.id > x'00' ORDER BY s.id"),
      AllOf(HasSubstr("(plan=? AND state=? AND id>?)"), Not(HasSubstr("TEMP B-TREE"))));
  sqlite3_close(db);
}

}  // namespace
}  // namespace reprise::runtime
