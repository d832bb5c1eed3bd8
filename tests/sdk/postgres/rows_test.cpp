// Many rows in one statement, whatever their columns hold.
#include <array>
#include <cstdlib>

#include <gtest/gtest.h>

#include "postgres.h"

namespace reprise::testkit {
namespace {

class KitRowsTest : public testing::Test {
 protected:
  KitRowsTest() : database_(std::getenv("REPRISE_TESTKIT_POSTGRES")) {
    database_.Execute("CREATE TABLE t (a TEXT, b BIGINT, c BYTEA, d FLOAT8)");
  }

  std::string Inserted(const std::vector<reprise_value>& cells) {
    const std::array columns{detail::ToAbi("a"), detail::ToAbi("b"), detail::ToAbi("c"),
                             detail::ToAbi("d")};
    const auto ran = database_.RunRows("INSERT INTO t SELECT r.a, r.b, r.c, r.d FROM $rows AS r",
                                       columns, cells, {});
    if (!ran) return ran.error().message;
    return std::to_string(*ran) + ": " + database_.Show("SELECT * FROM t ORDER BY b, a", {});
  }

  static reprise_value Int(std::int64_t n) { return detail::IntValue(REPRISE_INT, n); }
  static reprise_value Text(std::string_view s) { return detail::TextValue(REPRISE_TEXT, s); }
  const reprise_value null_ = detail::NullValue();

  PostgresDatabase database_;
};

TEST_F(KitRowsTest, GoInAsTheyAre) {
  EXPECT_EQ(Inserted({Text("x"), Int(1), detail::TextValue(REPRISE_BLOB, "b"), Int(2),  //
                      Text(""), Int(2), null_, detail::RealValue(0.5)}),
            "2: x|1|b|2.0\n|2||0.5");
}

TEST_F(KitRowsTest, MayHaveColumnsOfNothingButNulls) {
  EXPECT_EQ(Inserted({null_, null_, null_, null_, null_, null_, null_, null_}), "2: |||\n|||");
}

TEST_F(KitRowsTest, MayBeNone) {
  EXPECT_EQ(Inserted({}), "0: ");
}

TEST_F(KitRowsTest, HaveOneTypeInAColumn) {
  EXPECT_EQ(Inserted({Text("x"), null_, null_, null_, Int(1), null_, null_, null_}),
            "a column holds values of more than one type");
}

TEST_F(KitRowsTest, TellAConstraintFromAMistake) {
  database_.Execute("CREATE UNIQUE INDEX u ON t (a)");
  const auto run = [&](std::string_view sql) { return database_.Run(sql, {}, {}).error().code; };
  EXPECT_EQ(run("INSERT INTO t (a) VALUES ('x'), ('x')"), Code::kConflict);
  EXPECT_EQ(run("INSERT INTO t (a) VALUES (e'\\xff')"), Code::kInvalid);
  EXPECT_EQ(run("SELECT 1 / 0"), Code::kInvalid);
  database_.AllowWrites(false);
  EXPECT_EQ(run("INSERT INTO t (a) VALUES ('y')"), Code::kInvalid);
}

}  // namespace
}  // namespace reprise::testkit
