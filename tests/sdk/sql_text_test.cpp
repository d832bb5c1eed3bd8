// What the kit says of a plugin's SQL before PostgreSQL sees it.
#include "sql_text.h"

#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reprise::testkit {
namespace {

using testing::HasSubstr;

std::string Refusal(std::string_view sql) {
  const Result<SqlText> read = ReadStatement(sql);
  return read ? "none" : read.error().message;
}

std::string Expanded(std::string_view sql) {
  const std::array columns{detail::ToAbi("id"), detail::ToAbi("n")};
  return ExpandRows(sql, columns);
}

TEST(KitSqlText, CountsParametersOutsideOfStringsNamesAndComments) {
  const auto read = ReadStatement(
      "SELECT $1, '$2', \"$3\", e'\\'$4', $t$ $5 $t$, $2 /* $6 /* $7 */ $8 */ -- $9\n, $1 ;");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->parameters, 2);
  EXPECT_FALSE(read->has_rows);
  EXPECT_THAT(Refusal("SELECT $1, $3"), HasSubstr("$2 is not used"));
  EXPECT_THAT(Refusal("SELECT $x"), HasSubstr("$x is no parameter"));
}

TEST(KitSqlText, WantsOneStatementThatTouchesRowsOnly) {
  for (const char* sql :
       {"(SELECT 1)", "WITH a AS (SELECT 1) DELETE FROM t;", "VALUES (1) ; -- done",
        "INSERT INTO t SELECT 1", "WITH a AS (INSERT INTO t VALUES (1) RETURNING 1) SELECT 1"})
    EXPECT_EQ(Refusal(sql), "none") << sql;
  EXPECT_THAT(Refusal(""), HasSubstr("one statement"));
  EXPECT_THAT(Refusal("SELECT 1; SELECT 2"), HasSubstr("one statement"));
  for (const char* sql : {"COMMIT", "rollback to call", "SET x = 1", "CREATE TABLE t (a int)",
                          "LOCK t", "SELECT 1 INTO t"})
    EXPECT_THAT(Refusal(sql), HasSubstr("not for plugins")) << sql;
}

TEST(KitSqlText, RefusesWhatIsTheServersOrTheClocks) {
  EXPECT_THAT(Refusal("SELECT * FROM rp_saga"), HasSubstr("runtime's own"));
  EXPECT_THAT(Refusal("SELECT PG_SLEEP(1)"), HasSubstr("not for plugins"));
  EXPECT_THAT(Refusal("SELECT * FROM \"pg_class\""), HasSubstr("not for plugins"));
  EXPECT_THAT(Refusal("SELECT now ()"), HasSubstr("Now()"));
  EXPECT_THAT(Refusal("SELECT CURRENT_TIMESTAMP"), HasSubstr("Now()"));
  EXPECT_EQ(Refusal("SELECT now, 'pg_x now()' FROM t"), "none");
}

TEST(KitSqlText, PutsTheRowsWhereTheyAreNamed) {
  EXPECT_EQ(Expanded("SELECT r.n FROM $rows AS r WHERE true"),
            R"(SELECT r.n FROM unnest($1, $2) AS r("id", "n") WHERE true)");
  EXPECT_EQ(Expanded("SELECT n FROM $rows r"), R"(SELECT n FROM unnest($1, $2) AS r("id", "n"))");
  EXPECT_EQ(Expanded("SELECT '$rows', n FROM $rows WHERE n > 1"),
            R"(SELECT '$rows', n FROM unnest($1, $2) AS given("id", "n") WHERE n > 1)");
  EXPECT_THAT(Refusal("SELECT 1 FROM $rows AS a, $rows AS b"), HasSubstr("exactly once"));
}

TEST(KitSqlText, TakesMigrationsOfTablesThatStay) {
  EXPECT_TRUE(
      CheckScript("CREATE TABLE a_b (x text); -- and\nCREATE UNIQUE INDEX a_c ON a_b (x);"));
  EXPECT_FALSE(CheckScript("CREATE TABLE a_b (x text); COMMIT"));
  EXPECT_FALSE(CheckScript("CREATE LOCAL TEMP TABLE a_b (x text)"));
  EXPECT_FALSE(CheckScript("INSERT INTO a_b VALUES ($1)"));
}

}  // namespace
}  // namespace reprise::testkit
