#include "app/line_file.h"

#include "base/ids.h"

namespace reprise::runtime {

std::vector<FileLine> LineFile::Next(std::size_t lines_max, std::size_t bytes_max) {
  std::vector<FileLine> lines;
  std::size_t bytes = 0;
  std::string text;
  while (lines.size() < lines_max && bytes < bytes_max && std::getline(in_, text)) {
    ++number_;
    bytes_read_ += text.size() + 1;
    if (number_ == 1 && text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
    if (text.ends_with('\r')) text.pop_back();
    if (text.find_first_not_of(" \t") == std::string::npos) continue;
    bytes += text.size();
    const std::uint64_t nth = seen_[Uuid::FromBytes(Sha256(text).substr(0, 16))->ToString()]++;
    lines.push_back({std::move(text), nth, number_});
    text.clear();
  }
  return lines;
}

}  // namespace reprise::runtime
