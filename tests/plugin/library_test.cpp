#include "plugin/library.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <reprise/abi.h>

namespace reprise::runtime {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const std::string kFolder = std::string(REPRISE_BINARY_DIR) + "/tests/plugins/";

std::string WhyNot(const std::string& name) {
  const Result<Library> library =
      OpenLibrary(kFolder + "broken", kFolder + "broken/" + name + ".so");
  return library ? "loaded" : library.error().message;
}

/// A folder of its own for files that the test makes.
class LibraryTest : public testing::Test {
 protected:
  LibraryTest() {
    std::string name = (fs::temp_directory_path() / "reprise-library-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~LibraryTest() override { fs::remove_all(folder_); }

  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  std::string Copy(const std::string& name, unsigned mode) const {
    fs::copy_file(kFolder + "good/shop.so", Path(name));
    ::chmod(Path(name).c_str(), mode);
    return Path(name);
  }
  std::string WhyNotHere(const std::string& name) const {
    const Result<Library> library = OpenLibrary(folder_, Path(name));
    return library ? "loaded" : library.error().message;
  }

  std::string folder_;
};

TEST_F(LibraryTest, LoadsAPluginWrittenInC) {
  const Result<Library> library = OpenLibrary(kFolder + "good", kFolder + "good/shop.so");
  ASSERT_TRUE(library) << library.error().message;
  EXPECT_EQ(library->built_with, "a C compiler");
  EXPECT_EQ(library->plugin->size, sizeof(reprise_plugin));
}

TEST_F(LibraryTest, SaysInOneLineWhichAbiAPluginWasBuiltFor) {
  const std::string path = kFolder + "broken/";
  EXPECT_EQ(WhyNot("next_major"), path +
                                      "next_major.so: built for plugin ABI 2; this runtime loads "
                                      "ABI 1. Rebuild it with sdk 1.x.");
  EXPECT_EQ(WhyNot("entry_major"), path +
                                       "entry_major.so: built for plugin ABI 3; this runtime loads "
                                       "ABI 1. Rebuild it with sdk 1.x.");
}

TEST_F(LibraryTest, RefusesALibraryThatIsNoPlugin) {
  EXPECT_THAT(WhyNot("no_symbol"),
              HasSubstr("no_symbol.so: not a plugin: it exports no reprise_entry_v1."));
}

TEST_F(LibraryTest, RefusesTablesThatAreTooShortOrHaveHoles) {
  EXPECT_THAT(WhyNot("short_entry"), HasSubstr("the entry is too short"));
  EXPECT_THAT(WhyNot("no_plugin"), HasSubstr("the entry names no plugin"));
  EXPECT_THAT(WhyNot("short_plugin"), HasSubstr("the plugin's table is too short"));
  EXPECT_THAT(WhyNot("no_create"), HasSubstr("the plugin has no create or destroy"));
  EXPECT_THAT(WhyNot("no_run_do"), HasSubstr("action 'act' has no run_do"));
  EXPECT_THAT(WhyNot("endless"), HasSubstr("its list of actions has no end"));
  EXPECT_THAT(WhyNot("endless"), HasSubstr("(the plugin's fault)"));
}

TEST_F(LibraryTest, RefusesAFileThatIsNoLibrary) {
  std::ofstream(Path("text.so")) << "not an ELF file";
  EXPECT_THAT(WhyNotHere("text.so"), HasSubstr("text.so: does not load: "));
  EXPECT_THAT(WhyNotHere("none.so"), HasSubstr("No such file"));
  fs::create_directory(Path("folder.so"));
  EXPECT_THAT(WhyNotHere("folder.so"), HasSubstr("not a regular file"));
}

TEST_F(LibraryTest, RefusesWhatEveryoneMayWrite) {
  Copy("open.so", 0666);
  EXPECT_THAT(WhyNotHere("open.so"),
              HasSubstr("everyone may write it, so it is not loaded. chmod o-w "));
  Copy("closed.so", 0644);
  EXPECT_EQ(WhyNotHere("closed.so"), "loaded");
  ::chmod(folder_.c_str(), 0777);
  EXPECT_THAT(WhyNotHere("closed.so"), HasSubstr("everyone may write into " + folder_));
}

TEST_F(LibraryTest, RefusesALinkThatLeadsOutOfTheFolder) {
  fs::create_symlink(kFolder + "good/shop.so", Path("shop.so"));
  EXPECT_THAT(WhyNotHere("shop.so"), HasSubstr("outside of " + folder_));
}

TEST_F(LibraryTest, FollowsALinkThatStaysInTheFolder) {
  Copy("shop.so.1", 0644);
  fs::create_symlink("shop.so.1", Path("shop.so"));
  EXPECT_EQ(WhyNotHere("shop.so"), "loaded");
}

}  // namespace
}  // namespace reprise::runtime
