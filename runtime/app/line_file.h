/// A file of lines, read in chunks: how often each line occurred before is counted.
#pragma once

#include <cstdint>
#include <istream>
#include <string>
#include <unordered_map>
#include <vector>

namespace reprise::runtime {

struct FileLine {
  std::string text;
  std::uint64_t nth = 0;     // the very same line occurred this often before
  std::uint64_t number = 0;  // in the file, from 1
};

class LineFile {  // Threads: one.
 public:
  explicit LineFile(std::istream& in) : in_(in) {}

  /// The next lines, at most `lines_max` and about `bytes_max`; empty ones are left out.  Nothing
  /// at the end.
  std::vector<FileLine> Next(std::size_t lines_max, std::size_t bytes_max);

  std::uint64_t bytes_read() const { return bytes_read_; }

 private:
  std::istream& in_;
  std::uint64_t number_ = 0, bytes_read_ = 0;
  std::unordered_map<std::string, std::uint64_t> seen_;  // by SHA-256: lines may be long
};

}  // namespace reprise::runtime
