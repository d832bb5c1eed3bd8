// reprise plugin test: builds a plugin with CMake and runs its own tests.

#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/core.h>

#include "app/child.h"
#include "app/commands.h"
#include "app/ctest_report.h"
#include "app/terminal.h"
#include "model/payload.h"

namespace reprise::runtime {
namespace {

namespace fs = std::filesystem;

/// The SDK that came with this binary: of its build tree or of its installation.  Empty: CMake
/// looks.
std::string SdkFolder() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (const fs::path& folder : {self / "lib/cmake/reprise", self / "../lib/cmake/reprise"}) {
    if (fs::exists(folder / "reprise-config.cmake", error)) return fs::canonical(folder).string();
  }
  return "";
}

std::string TextOf(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

class PluginTest {
 public:
  explicit PluginTest(const Options& options)
      : options_(options),
        source_(options.path.empty() ? "." : options.path),
        build_(source_ / "build"),
        log_(build_ / "plugin-test.log") {}

  int Run() {
    std::error_code error;
    if (!fs::exists(source_ / "CMakeLists.txt", error)) {
      fmt::print(stderr,
                 "reprise: there is no CMakeLists.txt in {}; name the folder of a plugin, or make "
                 "one: reprise plugin new NAME\n",
                 source_.string());
      return exit_code::kUsage;
    }
    fs::create_directories(build_, error);
    if (error) {
      fmt::print(stderr, "reprise: {}: {}\n", build_.string(), error.message());
      return exit_code::kProblems;
    }
    if (!Configured() || !Done("build", {"cmake", "--build", build_.string()}))
      return exit_code::kProblems;
    return Tests();
  }

 private:
  bool Configured() {
    std::vector<std::string> command = {"cmake", "-S", source_.string(), "-B", build_.string()};
    if (const std::string sdk = SdkFolder(); !sdk.empty())
      command.push_back("-Dreprise_DIR=" + sdk);
    return Done("configure", command);
  }

  /// What a step said is shown only if it failed.
  bool Done(const char* what, const std::vector<std::string>& command) {
    const auto code = Child(what, command);
    if (code && *code == 0) return true;
    if (code)
      fmt::print(stderr, "{}✗ {} failed; all of it is in {}\n", TextOf(log_), what, log_.string());
    return false;
  }

  Result<int> Child(const char* what, const std::vector<std::string>& command) {
    std::error_code error;
    fs::remove(log_, error);
    if (StderrIsTerminal()) fmt::print(stderr, "{} ...\n", what);
    auto code = RunChild(command, log_);
    if (!code) fmt::print(stderr, "reprise: {}\n", code.error().message);
    return code;
  }

  int Tests() {
    const fs::path report = fs::absolute(build_ / "plugin-test.xml");
    std::error_code error;
    fs::remove(report, error);
    const auto code = Child("test", {"ctest", "--test-dir", build_.string(), "--output-on-failure",
                                     "--no-tests=error", "--output-junit", report.string()});
    if (!code) return exit_code::kProblems;
    const std::vector<CtestCase> cases = ReadCtestReport(TextOf(report));
    std::size_t failed = 0;
    for (const CtestCase& one : cases) failed += one.passed ? 0 : 1;
    if (*code != 0) fmt::print(stderr, "{}", TextOf(log_));
    options_.json() ? PrintJson(cases) : Print(cases);
    std::fflush(stdout);
    fmt::print(stderr, "{} passed, {} failed\n", cases.size() - failed, failed);
    return *code == 0 && failed == 0 && !cases.empty() ? exit_code::kOk : exit_code::kProblems;
  }

  static void Print(const std::vector<CtestCase>& cases) {
    const Look look = StdoutLook();
    for (const CtestCase& one : cases) {
      const std::string mark =
          one.passed ? Tinted(look, Tint::kGood, "✓") : Tinted(look, Tint::kBad, "✗");
      fmt::print("{} {}\n", mark, Plain(one.name));
    }
  }

  static void PrintJson(const std::vector<CtestCase>& cases) {
    json::array tests;
    for (const CtestCase& one : cases)
      tests.push_back(json::object{{"name", one.name}, {"passed", one.passed}});
    fmt::print("{}\n", json::serialize(json::object{{"tests", std::move(tests)}}));
  }

  const Options& options_;
  const fs::path source_, build_, log_;
};

}  // namespace

int RunPluginTest(const Options& options) {
  return PluginTest(options).Run();
}

}  // namespace reprise::runtime
