/// A temporary folder of YAML files, and loading it.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include <unistd.h>

#include "config/load.h"

namespace reprise::runtime::test {

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "config-test-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  Folder& Write(const std::string& file, const std::string& text) {
    std::ofstream(path_ / file, std::ios::binary) << text;
    return *this;
  }
  std::string Path(const std::string& file = "") const {
    return file.empty() ? path_.string() : (path_ / file).string();
  }

 private:
  std::filesystem::path path_;
};

inline Environment Variables(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
    const auto it = variables.find(name);
    return it == variables.end() ? std::nullopt : std::optional<std::string>(it->second);
  };
}

/// "12:7 RPR010": place and code of every finding, a line each.
inline std::string Places(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& f : findings) {
    out += std::to_string(f.line) + ":" + std::to_string(f.col) + " " + f.code + "\n";
  }
  return out;
}

}  // namespace reprise::runtime::test
