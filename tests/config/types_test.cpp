// Body types, as YAML and as text.
#include "config/types.h"

#include <gtest/gtest.h>

#include "config/yaml.h"
#include "folder.h"

namespace reprise::runtime::test {
namespace {

std::string Read(const std::string& yaml) {
  std::vector<Finding> findings;
  const Source source("it.yaml", "t: " + yaml + "\n");
  Sink sink(source, findings);
  const auto root = ParseYaml(sink);
  const std::string text = root ? TypeText(ReadType(*root->Find("t"), sink)) : "";
  return findings.empty() ? text : findings[0].code + ": " + findings[0].message;
}

TEST(BodyTypes, ReadTheSameAsYamlAndAsText) {
  EXPECT_EQ(Read("string(1..64)"), "string(1..64)");
  EXPECT_EQ(Read("optional string(..8)"), "optional string(..8)");
  EXPECT_EQ(Read("integer(-5..)"), "integer(-5..)");
  EXPECT_EQ(Read("number"), "number");
  EXPECT_EQ(Read("[string]"), "[string]");
  EXPECT_EQ(Read("\"[string(1..3)]\""), "[string(1..3)]");
  EXPECT_EQ(Read("{ a: boolean, b: \"optional [object]\" }"),
            "{ a: boolean, b: optional [object] }");
  EXPECT_EQ(Read("\"optional { a: boolean, b: [integer(1..9)] }\""),
            "optional { a: boolean, b: [integer(1..9)] }");
}

TEST(BodyTypes, SayWhatIsWrong) {
  EXPECT_EQ(Read("text"), "RPR030: type 'text': 'text' is no type");
  EXPECT_EQ(Read("srting"), "RPR030: type 'srting': 'srting' is no type; did you mean 'string'?");
  EXPECT_EQ(Read("string(1-5)"), "RPR030: type 'string(1-5)': '..' is missing");
  EXPECT_EQ(Read("string(9..1)"),
            "RPR030: type 'string(9..1)': the bounds are the wrong way round");
  EXPECT_EQ(Read("string(-1..1)"), "RPR030: type 'string(-1..1)': a length is not negative");
  EXPECT_EQ(Read("boolean(1..2)"), "RPR030: type 'boolean(1..2)': '(1..2)' is too much");
  EXPECT_EQ(Read("integer(99999999999999999999..)"),
            "RPR030: type 'integer(99999999999999999999..)': '99999999999999999999' is no number");
  EXPECT_EQ(Read("[a, b]"), "RPR030: a list type names one element type: [string]");
  EXPECT_EQ(Read("\"" + std::string(40, '[') + "\"").substr(0, 7), "RPR030:");
}

}  // namespace
}  // namespace reprise::runtime::test
