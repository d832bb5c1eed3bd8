// What is read from a plugin's SQL before the server sees it.
#include "postgres/sql_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reprise::runtime::postgres {
namespace {

using testing::ElementsAre;

SqlText Read(std::string_view sql) {
  const auto text = ReadStatement(sql);
  EXPECT_TRUE(text.ok()) << sql << ": " << (text.ok() ? "" : text.error().message);
  return text.ok() ? *text : SqlText{};
}
void Refused(std::string_view sql) {
  const auto text = ReadStatement(sql);
  ASSERT_FALSE(text.ok()) << sql;
  EXPECT_EQ(text.error().code, Code::kInvalid);
}
std::string Expanded(std::string_view sql) {
  const std::string_view columns[] = {"id", "name"};
  return ExpandRows(sql, columns);
}

TEST(SqlText, FindsParametersOnlyWhereTheyAre) {
  EXPECT_EQ(
      Read("SELECT $1, '$2', \"$3\", $$ $4 $$, $t$ $5 $t$ -- $6\n, E'\\'$7', /* $8 /* */ $9 */ $2")
          .parameters,
      2);
  EXPECT_TRUE(Read("SELECT * FROM $rows").has_rows);
  EXPECT_FALSE(Read("SELECT '$rows'").has_rows);
  Refused("SELECT $2");
  Refused("SELECT $0");
  Refused("SELECT $x");
}

TEST(SqlText, KnowsWhatWrites) {
  EXPECT_TRUE(Read("insert into t values(1)").writes);
  EXPECT_TRUE(Read("WITH a AS (DELETE FROM t RETURNING id) SELECT * FROM a").writes);
  EXPECT_FALSE(Read("SELECT 'DELETE' FROM t").writes);
  EXPECT_FALSE(Read("SELECT * FROM t FOR UPDATE").writes);
  EXPECT_FALSE(Read("SELECT * FROM t FOR NO KEY UPDATE").writes);
  EXPECT_FALSE(Read("(SELECT 1) UNION (SELECT 2)").writes);
}

TEST(SqlText, RefusesWhatIsNotForPlugins) {
  for (const char* sql : {"COPY t TO '/tmp/x'",
                          "SET ROLE x",
                          "set local lock_timeout = 0",
                          "DO $$ BEGIN END $$",
                          "CALL p()",
                          "LOCK TABLE t",
                          "PREPARE TRANSACTION 'x'",
                          "START TRANSACTION",
                          "ABORT",
                          "TRUNCATE t",
                          "GRANT ALL ON t TO x",
                          "VACUUM",
                          "EXPLAIN SELECT 1",
                          "LISTEN x",
                          "SELECT * INTO t2 FROM t",
                          "SELECT pg_sleep(1)",
                          "SELECT * FROM \"rp_saga\"",
                          "SELECT set_config('a', 'b', false)",
                          "SELECT * FROM information_schema.tables",
                          "SELECT 1; SELECT 2",
                          ";",
                          ""}) {
    Refused(sql);
  }
  Read("INSERT INTO t SELECT * FROM s");
  Read("SELECT 'rp_saga' AS \"into\"");
}

TEST(SqlText, ExpandsRowsWithTheNameTheyAreGiven) {
  EXPECT_EQ(Expanded("SELECT * FROM $rows"),
            "SELECT * FROM unnest($1, $2) AS given(\"id\", \"name\")");
  EXPECT_EQ(Expanded("SELECT * FROM $rows AS r WHERE true"),
            "SELECT * FROM unnest($1, $2) AS r(\"id\", \"name\") WHERE true");
  EXPECT_EQ(Expanded("SELECT * FROM $rows \"R\", t"),
            "SELECT * FROM unnest($1, $2) AS \"R\"(\"id\", \"name\"), t");
  EXPECT_EQ(Expanded("INSERT INTO t SELECT id FROM $rows ON CONFLICT DO NOTHING"),
            "INSERT INTO t SELECT id FROM unnest($1, $2) AS given(\"id\", \"name\") ON CONFLICT DO "
            "NOTHING");
  EXPECT_EQ(Expanded("SELECT '$rows' FROM ($rows)"),
            "SELECT '$rows' FROM (unnest($1, $2) AS given(\"id\", \"name\"))");
}

TEST(SqlText, LeavesANameWithoutItsEndToTheServer) {
  EXPECT_EQ(Expanded("SELECT * FROM $rows \"r"),
            "SELECT * FROM unnest($1, $2) AS \"r(\"id\", \"name\")");
}

TEST(SqlText, TakesAScriptApart) {
  const auto script = ReadScript(
      "CREATE TABLE a(x text DEFAULT ';'); -- one; two\n;; INSERT INTO a VALUES('it''s; fine')");
  ASSERT_TRUE(script.ok());
  EXPECT_THAT(*script, ElementsAre("CREATE TABLE a(x text DEFAULT ';')",
                                   "INSERT INTO a VALUES('it''s; fine')"));
  for (const char* sql : {"CREATE TEMP TABLE a(x int)", "create local temporary table a(x int)",
                          "SELECT 1; COMMIT", "SELECT $1", "SET x = 1", "DELETE FROM rp_saga"}) {
    EXPECT_FALSE(ReadScript(sql).ok()) << sql;
  }
}

TEST(SqlText, ATableIsOfThePluginWhoseNameItBears) {
  EXPECT_TRUE(Owns("shop", "shop"));
  EXPECT_TRUE(Owns("data-shop", "Data_Shop_item"));
  EXPECT_FALSE(Owns("shop", "shopping"));
}

}  // namespace
}  // namespace reprise::runtime::postgres
