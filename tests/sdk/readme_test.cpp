// What the SDK's README shows is what is compiled and tested in example/.
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

namespace {

std::string Text(const std::string& path) {
  std::ifstream file(std::string(REPRISE_SOURCE_DIR) + "/" + path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(SdkReadme, ShowsTheCompiledExample) {
  const std::string readme = Text("sdk/README.md");
  for (const char* file : {"guests.cpp", "guests_test.cpp"}) {
    const std::string code = Text(std::string("tests/sdk/example/") + file);
    ASSERT_FALSE(code.empty()) << file;
    EXPECT_NE(readme.find("```cpp\n" + code + "```"), std::string::npos) << file;
  }
}

}  // namespace
