#include "app/temporary_folder.h"

#include <cstdlib>

namespace reprise::runtime {

Result<TemporaryFolder> TemporaryFolder::Make(const std::string& name,
                                              const std::filesystem::path& where) {
  std::error_code error;
  const auto base = where.empty() ? std::filesystem::temp_directory_path(error) : where;
  std::string path = (base / ("reprise-" + name + "-XXXXXX")).string();
  if (error || !mkdtemp(path.data())) {
    return Error{Code::kInternal, "cannot make a temporary folder " + path};
  }
  return TemporaryFolder(path);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code error;
  if (!path_.empty()) std::filesystem::remove_all(path_, error);
}

}  // namespace reprise::runtime
