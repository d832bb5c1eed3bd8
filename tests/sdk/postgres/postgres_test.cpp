// What only PostgreSQL can show: that it is the one that is asked, and that a test leaves nothing.
#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <reprise/testkit.hpp>

#include "../sample.h"

namespace reprise::sample {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kVariable = "REPRISE_TESTKIT_POSTGRES";

/// What a session that is no Host's gets as the first cell.
std::string Outside(const char* sql) {
  const std::unique_ptr<PGconn, void (*)(PGconn*)> to(PQconnectdb(std::getenv(kVariable)),
                                                      PQfinish);
  const std::unique_ptr<PGresult, void (*)(PGresult*)> got(PQexec(to.get(), sql), PQclear);
  if (PQresultStatus(got.get()) != PGRES_TUPLES_OK)
    throw std::runtime_error(PQerrorMessage(to.get()));
  return PQgetvalue(got.get(), 0, 0);
}

/// Why there is no Host at this address.
std::string RefusalAt(const std::string& where) {
  const std::string before = std::getenv(kVariable);
  ::setenv(kVariable, where.c_str(), 1);
  std::string why = "none";
  try {
    const Kit<Put> kit;
  } catch (const std::runtime_error& e) {
    why = e.what();
  }
  ::setenv(kVariable, before.c_str(), 1);
  return why;
}

TEST(KitOnPostgres, LeavesNothingInTheDatabase) {
  constexpr const char* kLeft =
      "SELECT (SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'kit%') +"
      " (SELECT count(*) FROM pg_class WHERE relname LIKE 'sample%')";
  {
    Kit<Put> kit;
    EXPECT_TRUE(kit.Do({.id = "a"}).done());
    EXPECT_EQ(kit.Laws({.id = "b"}), kLawful);
    EXPECT_EQ(Outside(kLeft), "0");
  }
  EXPECT_EQ(Outside(kLeft), "0");
}

TEST(KitOnPostgres, KeepsHostsApart) {
  Kit<Put> one;
  Kit<Put> other;
  EXPECT_TRUE(one.Do({.id = "a", .n = 1}).done());
  EXPECT_TRUE(other.Do({.id = "a", .n = 2}).done());
  EXPECT_EQ(one.Sql("SELECT n FROM sample_row"), "1");
}

TEST(KitOnPostgres, GoesOnAfterAStatementThatFailed) {
  Kit<Put> kit;
  kit.Do({.id = "a"});
  EXPECT_THROW(kit.Sql("INSERT INTO sample_row VALUES ('a', 1)"), std::runtime_error);
  EXPECT_THROW(kit.Sql("SELECT 1 / 0"), std::runtime_error);
  EXPECT_EQ(kit.Sql("SELECT id FROM sample_row"), "a");
}

TEST(KitOnPostgres, SaysWhichAddressIsNone) {
  const std::string why = RefusalAt("postgresql://me:secret@[/x");
  EXPECT_THAT(why, HasSubstr("REPRISE_TESTKIT_POSTGRES: it is no connection string"));
  EXPECT_THAT(why, Not(HasSubstr("secret")));
}

TEST(KitOnPostgres, SaysWhereNobodyListens) {
  EXPECT_THAT(RefusalAt("postgresql://me:secret@127.0.0.1:1/postgres"),
              AllOf(HasSubstr("REPRISE_TESTKIT_POSTGRES: cannot connect: "),
                    HasSubstr("port 1 failed"), Not(HasSubstr("secret"))));
}

TEST(KitOnPostgres, ReadsEveryTypeAsTheRuntimeDoes) {
  Kit<Put> kit;
  EXPECT_EQ(kit.Sql("SELECT true, 1::smallint, -2::int, 3::bigint, 4::oid"), "1|1|-2|3|4");
  EXPECT_EQ(kit.Sql("SELECT 0.5::real, -0.25::float8, '\\x6869'::bytea, 'a'::char(2), 'n'::name"),
            "0.5|-0.25|hi|a |n");
  EXPECT_EQ(kit.Sql("SELECT '[1]'::json, '{}'::jsonb, null,"
                    " 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid"),
            "[1]|{}||a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11");
  EXPECT_EQ(kit.Sql("SELECT '1970-01-01 00:00:01.5+00'::timestamptz,"
                    " '1969-12-31 23:59:59.9999'::timestamp"),
            "1500|-1");
  EXPECT_THROW(kit.Sql("SELECT '1 day'::interval"), std::runtime_error);
}

TEST(KitOnPostgres, ReadsNumericsThatAreWholeAsIntegers) {
  Kit<Put> kit;
  EXPECT_EQ(kit.Sql("SELECT 0.0, 5.00, -12345678.0, 9223372036854775807.0, sum(n) FROM"
                    " (VALUES (1::bigint), (20000)) AS t (n)"),
            "0|5|-12345678|9223372036854775807|20001");
  EXPECT_EQ(kit.Sql("SELECT 0.5, -0.00005, 10000.25, 1e4::numeric"), "0.5|-0.00005|10000.25|10000");
}

TEST(KitOnPostgres, FindsTheTypeOfANull) {
  Kit<Put> kit;
  EXPECT_EQ(kit.Sql("SELECT coalesce($1, 7), coalesce($1, 8)", nullptr), "7|8");
  EXPECT_EQ(kit.Sql("SELECT $1 IS NULL, coalesce($2, 'x')", nullptr, nullptr), "1|x");
}

}  // namespace
}  // namespace reprise::sample
