// reprise version

#include <curl/curl.h>
#include <fmt/core.h>

#include "app/commands.h"
#include "app/version.h"
#include "model/payload.h"

namespace reprise::runtime {

int RunVersion(const Options& options) {
  const std::string compiler = "g++ " __VERSION__;
  if (options.json()) {
    fmt::print("{}\n", json::serialize(
                           json::object{{"version", kVersion},
                                        {"commit", Commit()},
                                        {"plugin_abi", kAbi},
                                        {"compiler", compiler},
                                        {"curl", curl_version_info(CURLVERSION_NOW)->version}}));
  } else {
    fmt::print("reprise {} ({})  plugin ABI {}  {}\n", kVersion, Commit(), kAbi, compiler);
  }
  return exit_code::kOk;
}

}  // namespace reprise::runtime
