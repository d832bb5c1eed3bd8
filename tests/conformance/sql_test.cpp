// Contract of Sql in ports/journal.h: one statement at a time, in a transaction that stays the
// runtime's.
#include <gmock/gmock.h>

#include "engine_under_test.h"

namespace reprise::runtime {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

SqlValue Int(std::int64_t v) {
  return {.type = SqlValue::kInteger, .integer = v};
}
SqlValue Text(std::string_view v) {
  return {.type = SqlValue::kText, .text = v};
}
SqlValue Raw(std::string_view v) {
  return {.type = SqlValue::kBlob, .text = v};
}
SqlValue Real(double v) {
  return {.type = SqlValue::kReal, .real = v};
}

class SqlContract : public EngineContract {
 protected:
  void SetUp() override {
    EngineContract::SetUp();
    ASSERT_GOOD(journal().Migrate(
        std::vector<Journal::PluginMigration>{{"shop", 1,
                                               "CREATE TABLE shop_item(id BIGINT PRIMARY KEY, "
                                               "name TEXT NOT NULL, price REAL, raw BYTEA)"}}));
  }
  Result<std::int64_t> Run(Transaction& tx, std::string_view sql, std::vector<SqlValue> args = {}) {
    rows_.clear();
    return tx.sql().Run(sql, args, [&](std::span<const SqlValue> row) {
      std::string line;
      for (const SqlValue& v : row) {
        line += v.type == SqlValue::kInteger ? std::to_string(v.integer)
                : v.type == SqlValue::kNull  ? "null"
                : v.type == SqlValue::kReal  ? std::to_string(v.real)
                                             : std::string(v.text);
        line += ' ';
      }
      rows_.push_back(line);
    });
  }
  void Refused(Transaction& tx, std::string_view sql, std::vector<SqlValue> args = {}) {
    const auto ran = Run(tx, sql, args);
    ASSERT_FALSE(ran.ok()) << sql;
    EXPECT_EQ(ran.error().code, Code::kInvalid) << sql << ": " << ran.error().message;
    EXPECT_FALSE(ran.error().message.empty());
  }
  std::vector<std::string> rows_;
};

TEST_P(SqlContract, BindsByNumberInAnyOrderAndTwice) {
  const auto tx = Begin();
  ASSERT_GOOD(Run(*tx, "SELECT $2, $1, $2", {Int(1), Int(2)}));
  EXPECT_THAT(rows_, ElementsAre("2 1 2 "));
  ASSERT_GOOD(
      Run(*tx, "SELECT $1, $10, $2, $3, $4, $5, $6, $7, $8, $9",
          {Int(1), Int(2), Int(3), Int(4), Int(5), Int(6), Int(7), Int(8), Int(9), Int(10)}));
  EXPECT_THAT(rows_, ElementsAre("1 10 2 3 4 5 6 7 8 9 "));
}

TEST_P(SqlContract, CarriesEveryTypeBothWays) {
  const auto tx = Begin();
  const std::string raw("\0\xff\1", 3);
  EXPECT_EQ(*Run(*tx, "INSERT INTO shop_item VALUES($1, $2, $3, $4)",
                 {Int(1LL << 62), Text("caf\u00e9"), Real(1.5), Raw(raw)}),
            1);
  EXPECT_EQ(*Run(*tx, "INSERT INTO shop_item VALUES($1, $2, $3, $4)",
                 {Int(2), Text(""), SqlValue{}, Raw("")}),
            1);
  std::vector<SqlValue::Type> types;
  std::string name, bytes;
  std::int64_t id = 0;
  ASSERT_GOOD(tx->sql().Run("SELECT id, name, price, raw FROM shop_item ORDER BY id DESC", {},
                            [&](std::span<const SqlValue> row) {
                              for (const SqlValue& v : row) types.push_back(v.type);
                              if (id != 0) return;
                              id = row[0].integer;
                              name = row[1].text;
                              bytes = row[3].text;
                            }));
  EXPECT_THAT(types,
              ElementsAre(SqlValue::kInteger, SqlValue::kText, SqlValue::kReal, SqlValue::kBlob,
                          SqlValue::kInteger, SqlValue::kText, SqlValue::kNull, SqlValue::kBlob));
  EXPECT_EQ(id, 1LL << 62);
  EXPECT_EQ(name, "caf\u00e9");
  EXPECT_EQ(bytes, raw);
}

TEST_P(SqlContract, AnswersHowManyRowsChanged) {
  const auto tx = Begin();
  EXPECT_EQ(*Run(*tx, "INSERT INTO shop_item(id, name) VALUES(1, 'a'), (2, 'b'), (3, 'c')"), 3);
  EXPECT_EQ(*Run(*tx, "UPDATE shop_item SET name = 'x' WHERE id > $1", {Int(1)}), 2);
  EXPECT_EQ(*Run(*tx, "DELETE FROM shop_item WHERE id = 9"), 0);
  EXPECT_EQ(*Run(*tx, "SELECT * FROM shop_item"), 0);
  EXPECT_EQ(rows_.size(), 3u);
  EXPECT_EQ(*Run(*tx, "DELETE FROM shop_item WHERE id = 1 RETURNING name"), 1);
  EXPECT_THAT(rows_, ElementsAre("a "));
}

TEST_P(SqlContract, CommitsWithTheTransactionOrNotAtAll) {
  {
    const auto tx = Begin();
    ASSERT_GOOD(Run(*tx, "INSERT INTO shop_item(id, name) VALUES(1, 'a')"));
  }
  EXPECT_EQ(Number("SELECT count(*) FROM shop_item"), 0);
  const auto tx = Begin();
  ASSERT_GOOD(Run(*tx, "INSERT INTO shop_item(id, name) VALUES(1, 'a')"));
  ASSERT_GOOD(tx->Create(std::vector{SagaOf(1)}));
  Commit(*tx);
  engine_->Crash();
  EXPECT_EQ(Number("SELECT count(*) FROM shop_item"), 1);
  EXPECT_TRUE(journal().FindSaga(Id(1))->has_value());
}

TEST_P(SqlContract, CallsAConstraintAConflictAndGoesOn) {
  const auto tx = Begin();
  ASSERT_GOOD(Run(*tx, "INSERT INTO shop_item(id, name) VALUES(1, 'a')"));
  EXPECT_EQ(tx->Savepoint().ok(), true);
  const auto again = Run(*tx, "INSERT INTO shop_item(id, name) VALUES(1, 'b')");
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, Code::kConflict);
  EXPECT_TRUE(again.error().transient());
  ASSERT_GOOD(tx->RollbackToSavepoint());
  ASSERT_GOOD(Run(*tx, "INSERT INTO shop_item(id, name) VALUES(2, 'b')"));
  Commit(*tx);
  EXPECT_EQ(Number("SELECT count(*) FROM shop_item"), 2);
}

TEST_P(SqlContract, RefusesMoreOrLessThanOneStatement) {
  const auto tx = Begin();
  Refused(*tx, "");
  Refused(*tx, "  -- only a comment");
  Refused(*tx, "SELECT 1; SELECT 2");
  Refused(*tx, "SELECT 1; nonsense");
  Refused(*tx, "SELEC 1");
  Refused(*tx, "SELECT * FROM nowhere");
  ASSERT_GOOD(Run(*tx, "SELECT 1;"));
  ASSERT_GOOD(Run(*tx, "SELECT 1 ; -- the end"));
}

TEST_P(SqlContract, RefusesToTouchTheTransaction) {
  const auto tx = Begin();
  ASSERT_GOOD(Run(*tx, "INSERT INTO shop_item(id, name) VALUES(1, 'a')"));
  for (const char* sql : {"COMMIT", "commit;", "  /* a */ COMMIT", "END", "ROLLBACK", "BEGIN",
                          "SAVEPOINT a", "RELEASE a", "ROLLBACK TO a"}) {
    Refused(*tx, sql);
  }
  ASSERT_GOOD(Run(*tx, "SELECT count(*) FROM shop_item"));
  EXPECT_THAT(rows_, ElementsAre("1 "));
}

TEST_P(SqlContract, RefusesTheWrongNumberOfArguments) {
  const auto tx = Begin();
  Refused(*tx, "SELECT $1, $2", {Int(1)});
  Refused(*tx, "SELECT $1", {Int(1), Int(2)});
  Refused(*tx, "SELECT 1", {Int(1)});
  Refused(*tx, "SELECT $2", {Int(1), Int(2)});
}

TEST_P(SqlContract, RefusesANulInAText) {
  const auto tx = Begin();
  Refused(*tx, "SELECT $1", {Text(std::string_view("a\0b", 3))});
  Refused(*tx, std::string_view("SELECT 1\0", 9));
  ASSERT_GOOD(Run(*tx, "SELECT $1", {Raw(std::string_view("a\0b", 3))}));
}

TEST_P(SqlContract, RefusesTablesToBeMadeOutsideMigrations) {
  const auto tx = Begin();
  Refused(*tx, "CREATE TABLE shop_more(id INTEGER)");
  Refused(*tx, "DROP TABLE shop_item");
  Refused(*tx, "ALTER TABLE shop_item ADD COLUMN more TEXT");
  Refused(*tx, "CREATE INDEX shop_by_name ON shop_item(name)");
}

TEST_P(SqlContract, KeepsTheRuntimesTablesOutOfSight) {
  Make({SagaOf(1)});
  const auto tx = Begin();
  Refused(*tx, "SELECT * FROM rp_saga");
  Refused(*tx, "SELECT count(*) FROM RP_Saga");
  Refused(*tx, "DELETE FROM rp_step");
  Refused(*tx, "UPDATE rp_meta SET value = 'x'");
  Refused(*tx, "INSERT INTO rp_meta VALUES('a', 'b')");
  Refused(*tx, "SELECT * FROM shop_item WHERE id IN (SELECT state FROM rp_saga)");
}

TEST_P(SqlContract, ReadsButNeverWritesBetweenTransactions) {
  EXPECT_EQ(Number("SELECT 41 + 1"), 42);
  const auto written =
      journal().reads().Run("INSERT INTO shop_item(id, name) VALUES(1, 'a')", {}, {});
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().code, Code::kInvalid);
  EXPECT_FALSE(journal().reads().Run("DELETE FROM shop_item RETURNING id", {}, {}).ok());
  EXPECT_EQ(Number("SELECT count(*) FROM shop_item"), 0);
}

TEST_P(SqlContract, KnowsWhetherPluginsWrote) {
  Make({SagaOf(1)});
  const auto tx = Begin();
  ASSERT_GOOD(tx->PutMeta("own", "bookkeeping"));
  ASSERT_GOOD(tx->Record(std::vector{StepOf(1, 0)}));
  EXPECT_FALSE(tx->wrote());
  ASSERT_GOOD(Run(*tx, "SELECT * FROM shop_item"));
  ASSERT_GOOD(Run(*tx, "UPDATE shop_item SET name = 'x'"));
  EXPECT_FALSE(tx->wrote()) << "no row was changed";
  ASSERT_GOOD(Run(*tx, "INSERT INTO shop_item(id, name) VALUES(1, 'a')"));
  EXPECT_TRUE(tx->wrote());
  tx->ResetWrote();
  EXPECT_FALSE(tx->wrote());
  ASSERT_GOOD(Run(*tx, "UPDATE shop_item SET name = 'x'"));
  ASSERT_GOOD(tx->Savepoint());
  EXPECT_FALSE(tx->wrote());
}

TEST_P(SqlContract, UndoesOneAttemptByItsSavepoint) {
  Make({SagaOf(1)});
  const auto tx = Begin();
  ASSERT_GOOD(Run(*tx, "INSERT INTO shop_item(id, name) VALUES(1, 'a')"));
  ASSERT_GOOD(tx->Savepoint());
  ASSERT_GOOD(Run(*tx, "INSERT INTO shop_item(id, name) VALUES(2, 'b')"));
  ASSERT_GOOD(tx->RollbackToSavepoint());
  ASSERT_GOOD(tx->Savepoint());
  ASSERT_GOOD(Run(*tx, "INSERT INTO shop_item(id, name) VALUES(3, 'c')"));
  ASSERT_GOOD(tx->ReleaseSavepoint());
  ASSERT_GOOD(tx->Record(std::vector{StepOf(1, 0)}));
  Commit(*tx);
  EXPECT_EQ(Number("SELECT sum(id) FROM shop_item"), 4);
}

TEST_P(SqlContract, RunsTheSameStatementInsideItsOwnRows) {
  const auto tx = Begin();
  ASSERT_GOOD(Run(*tx, "INSERT INTO shop_item(id, name) VALUES(1, 'a'), (2, 'b')"));
  int rows = 0;
  const char* sql = "SELECT id FROM shop_item WHERE id <> $1";
  const SqlValue outer[] = {Int(0)};
  ASSERT_GOOD(tx->sql().Run(sql, outer, [&](std::span<const SqlValue>) {
    const SqlValue inner[] = {Int(1)};
    EXPECT_TRUE(tx->sql().Run(sql, inner, [&](std::span<const SqlValue>) { ++rows; }).ok());
  }));
  EXPECT_EQ(rows, 2);
}

// ---------------------------------------------------------------- many rows

TEST_P(SqlContract, TakesManyRowsInOneStatement) {
  const auto tx = Begin();
  std::vector<SqlValue> cells;
  std::vector<std::string> names(40'000);
  for (std::int64_t i = 0; i < 40'000; ++i) {
    names[static_cast<size_t>(i)] = "item " + std::to_string(i);
    cells.insert(cells.end(), {Int(i), Text(names[static_cast<size_t>(i)]), Real(0.5), Raw("\1")});
  }
  const std::string_view columns[] = {"id", "name", "price", "raw"};
  EXPECT_EQ(*tx->sql().RunRows("INSERT INTO shop_item SELECT id, name, price, raw FROM $rows",
                               columns, cells, {}),
            40'000);
  ASSERT_GOOD(Run(*tx, "SELECT count(*), sum(id), max(name), sum(price) FROM shop_item"));
  EXPECT_THAT(rows_, ElementsAre("40000 799980000 item 9999 20000.000000 "));
}

TEST_P(SqlContract, JoinsAndUpsertsManyRows) {
  const auto tx = Begin();
  const std::string_view columns[] = {"id", "name"};
  const std::vector<SqlValue> cells{Int(1), Text("a"), Int(2), Text("$rows 'b'"),
                                    Int(3), SqlValue{}};
  ASSERT_GOOD(Run(*tx, "INSERT INTO shop_item(id, name) VALUES(1, 'old')"));
  const auto upserted = tx->sql().RunRows(
      "INSERT INTO shop_item(id, name) SELECT id, coalesce(name, '$rows') FROM $rows ON CONFLICT "
      "(id)"
      " DO UPDATE SET name = excluded.name",
      columns, cells, {});
  ASSERT_GOOD(upserted);
  EXPECT_EQ(*upserted, 3);
  const auto updated = tx->sql().RunRows(
      "UPDATE shop_item SET price = r.id FROM $rows AS r WHERE shop_item.id = r.id", columns,
      std::span(cells).first(4), {});
  ASSERT_GOOD(updated);
  EXPECT_EQ(*updated, 2);
  ASSERT_GOOD(Run(*tx, "SELECT id, name, price FROM shop_item ORDER BY id"));
  EXPECT_THAT(rows_, ElementsAre("1 a 1.000000 ", "2 $rows 'b' 2.000000 ", "3 $rows null "));
  int found = 0;
  ASSERT_GOOD(tx->sql().RunRows("SELECT name FROM shop_item WHERE id IN (SELECT id FROM $rows)",
                                columns, std::span(cells).first(4),
                                [&](std::span<const SqlValue>) { ++found; }));
  EXPECT_EQ(found, 2);
  EXPECT_EQ(*tx->sql().RunRows("INSERT INTO shop_item(id, name) SELECT id, name FROM $rows",
                               columns, {}, {}),
            0);
}

TEST_P(SqlContract, ChangesNothingIfOneOfManyRowsIsRefused) {
  const auto tx = Begin();
  const std::string_view columns[] = {"id", "name"};
  const std::vector<SqlValue> cells{Int(1), Text("a"), Int(2), SqlValue{}};
  ASSERT_GOOD(tx->Savepoint());
  const auto ran = tx->sql().RunRows("INSERT INTO shop_item(id, name) SELECT id, name FROM $rows",
                                     columns, cells, {});
  ASSERT_FALSE(ran.ok());
  EXPECT_EQ(ran.error().code, Code::kConflict);
  EXPECT_EQ(tx->wrote(), tx->spoiled());
  ASSERT_GOOD(tx->RollbackToSavepoint());
  EXPECT_FALSE(tx->wrote());
  ASSERT_GOOD(Run(*tx, "SELECT count(*) FROM shop_item"));
  EXPECT_THAT(rows_, ElementsAre("0 "));
}

TEST_P(SqlContract, SaysSoIfAFailedStatementSpoiledTheTransaction) {
  const auto tx = Begin();
  ASSERT_GOOD(Run(*tx, "INSERT INTO shop_item(id, name) VALUES(1, 'a')"));
  ASSERT_GOOD(tx->Savepoint());
  ASSERT_FALSE(Run(*tx, "INSERT INTO shop_item(id, name) VALUES(1, 'b')").ok());
  EXPECT_EQ(Run(*tx, "SELECT 1").ok(), !tx->spoiled());
  EXPECT_FALSE(tx->lost());
  ASSERT_GOOD(tx->RollbackToSavepoint());
  EXPECT_FALSE(tx->spoiled());
  ASSERT_GOOD(Run(*tx, "SELECT count(*) FROM shop_item"));
  EXPECT_THAT(rows_, ElementsAre("1 "));
}

TEST_P(SqlContract, TakesBackOnlyTheFailedStatementWithinACarefulSavepoint) {
  const auto tx = Begin();
  ASSERT_GOOD(tx->Savepoint(true));
  ASSERT_GOOD(Run(*tx, "INSERT INTO shop_item(id, name) VALUES(1, 'a')"));
  const auto again = Run(*tx, "INSERT INTO shop_item(id, name) VALUES(1, 'b')");
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, Code::kConflict);
  EXPECT_FALSE(tx->spoiled());
  ASSERT_GOOD(Run(*tx, "INSERT INTO shop_item(id, name) VALUES(2, 'b')"));
  ASSERT_GOOD(tx->ReleaseSavepoint());
  Commit(*tx);
  EXPECT_EQ(Number("SELECT count(*) FROM shop_item"), 2);
}

TEST_P(SqlContract, NeverCommitsASpoiledTransaction) {
  {
    const auto tx = Begin();
    ASSERT_GOOD(Run(*tx, "INSERT INTO shop_item(id, name) VALUES(1, 'a')"));
    ASSERT_FALSE(Run(*tx, "INSERT INTO shop_item(id, name) VALUES(1, 'b')").ok());
    if (tx->spoiled()) {
      EXPECT_FALSE(tx->Commit({}).ok());
    } else {
      Commit(*tx);
    }
  }
  const auto tx = Begin();  // and the next one is as good as ever
  ASSERT_GOOD(Run(*tx, "INSERT INTO shop_item(id, name) VALUES(7, 'c')"));
  Commit(*tx);
}

TEST_P(SqlContract, GivesAColumnOfNullsTheTypeThatItsPlaceWants) {
  const auto tx = Begin();
  const std::string_view columns[] = {"id", "name", "price", "raw"};
  const std::vector<SqlValue> cells{Int(1), Text("a"), SqlValue{}, SqlValue{}};
  ASSERT_GOOD(tx->sql().RunRows("INSERT INTO shop_item SELECT id, name, price, raw FROM $rows",
                                columns, cells, {}));
  ASSERT_GOOD(
      tx->sql().RunRows("INSERT INTO shop_item SELECT r.id, r.name, r.price, r.raw FROM $rows AS r",
                        columns, {}, {}));
  ASSERT_GOOD(
      Run(*tx, "UPDATE shop_item SET name = coalesce($1, name) WHERE $1 IS NULL", {SqlValue{}}));
  ASSERT_GOOD(Run(*tx, "SELECT * FROM shop_item"));
  EXPECT_THAT(rows_, ElementsAre("1 a null null "));
}

TEST_P(SqlContract, RefusesRowsThatDoNotFit) {
  const auto tx = Begin();
  const std::string_view columns[] = {"id", "name"};
  const std::string_view bad[] = {"id\"; --"};
  const std::vector<SqlValue> cells{Int(1), Text("a"), Int(2)};
  Sql& sql = tx->sql();
  const std::string_view insert = "INSERT INTO shop_item(id, name) SELECT id, name FROM $rows";
  EXPECT_EQ(sql.RunRows(insert, columns, cells, {}).error().code, Code::kInvalid);
  EXPECT_EQ(sql.RunRows(insert, {}, {}, {}).error().code, Code::kInvalid);
  EXPECT_EQ(sql.RunRows("SELECT 1", columns, std::span(cells).first(2), {}).error().code,
            Code::kInvalid);
  EXPECT_EQ(sql.RunRows("SELECT '$rows'", columns, std::span(cells).first(2), {}).error().code,
            Code::kInvalid);
  EXPECT_EQ(
      sql.RunRows("SELECT $1 FROM $rows", columns, std::span(cells).first(2), {}).error().code,
      Code::kInvalid);
  EXPECT_EQ(sql.RunRows("SELECT 1 FROM $rows", bad, cells, {}).error().code, Code::kInvalid);
  EXPECT_EQ(sql.Run("SELECT * FROM $rows", {}, {}).error().code, Code::kInvalid);
}

// ---------------------------------------------------------------- migrations

class MigrationContract : public EngineContract {
 protected:
  Status Migrate(const std::string& plugin, int number, const std::string& sql) {
    return journal().Migrate(std::vector<Journal::PluginMigration>{{plugin, number, sql}});
  }
  void Refused(const std::string& sql) {
    const Status done = Migrate("shop", 99, sql);
    ASSERT_FALSE(done.ok()) << sql;
    EXPECT_EQ(done.error().code, Code::kInvalid) << done.error().message;
    EXPECT_THAT(done.error().message, HasSubstr("plugin shop, migration 99: "));
  }
};

TEST_P(MigrationContract, RunsEachOnceAndInOrder) {
  const std::vector<Journal::PluginMigration> migrations{
      {"data-shop", 1,
       "CREATE TABLE data_shop(id INTEGER PRIMARY KEY); CREATE TABLE data_shop_more(id INTEGER);"},
      {"data-shop", 2, "INSERT INTO data_shop VALUES(1); -- a first row"},
      {"shop", 1,
       "CREATE TABLE shop_item(id INTEGER PRIMARY KEY, name TEXT); CREATE INDEX shop_by ON "
       "shop_item(name);"
       "ALTER TABLE shop_item ADD COLUMN price INTEGER NOT NULL DEFAULT 5 CHECK(price > 0);"
       "CREATE UNIQUE INDEX shop_one ON shop_item(price) WHERE name IS NOT NULL"},
  };
  ASSERT_GOOD(journal().Migrate(migrations));
  ASSERT_GOOD(journal().Migrate(migrations));
  engine_->Restart();
  ASSERT_GOOD(journal().Migrate(migrations));
  EXPECT_EQ(Number("SELECT count(*) FROM data_shop"), 1);
}

TEST_P(MigrationContract, LeavesNothingOfOneThatFails) {
  const Status done = Migrate(
      "shop", 1, "CREATE TABLE shop_a(id INTEGER); CREATE TABLE shop_b(nonsense nonsense, )");
  ASSERT_FALSE(done.ok());
  EXPECT_THAT(done.error().message, HasSubstr("plugin shop, migration 1: "));
  ASSERT_GOOD(Migrate("shop", 1, "CREATE TABLE shop_a(id INTEGER)"));
}

TEST_P(MigrationContract, RefusesTablesOfOthers) {
  ASSERT_GOOD(Migrate("bank", 1, "CREATE TABLE bank(id INTEGER)"));
  ASSERT_GOOD(Migrate("shop", 1, "CREATE TABLE shop(id INTEGER)"));
  Refused("CREATE TABLE items(id INTEGER)");
  Refused("CREATE TABLE shopping(id INTEGER)");
  Refused("CREATE TABLE rp_more(id INTEGER)");
  Refused("DROP TABLE bank");
  Refused("ALTER TABLE bank ADD COLUMN a");
  Refused("INSERT INTO bank VALUES(1)");
  Refused("DROP TABLE rp_saga");
  Refused("DELETE FROM rp_saga");
  Refused("CREATE TABLE shop_copy AS SELECT * FROM rp_saga");
  Refused("CREATE INDEX shop_i ON rp_saga(state)");
  Refused("ALTER TABLE shop RENAME TO bank2");
  Refused("ALTER TABLE shop RENAME TO rp_shop");
  Refused("CREATE TABLE shop_child(id BLOB REFERENCES rp_saga(id))");
  Refused("CREATE TEMP TABLE shop_t(id INTEGER)");
  Refused("COMMIT; CREATE TABLE shop_c(id INTEGER)");
  Refused("PRAGMA synchronous = OFF");
  Refused("ATTACH 'x.db' AS shop_x");
  Refused("SELECT $1");
  EXPECT_EQ(Number("SELECT count(*) FROM bank"), 0);
}

RUN_ON_EVERY_ENGINE(SqlContract);
RUN_ON_EVERY_ENGINE(MigrationContract);

}  // namespace
}  // namespace reprise::runtime
