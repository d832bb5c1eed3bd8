#include "sqlite/topics.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <iterator>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace reprise::runtime::sqlite {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kRotateBytes = 64LL << 20;
constexpr std::int64_t kForgetRows = 2'000;

/// A topic names a file.
bool ValidTopic(std::string_view topic) {
  constexpr std::string_view kOthers = "._-";
  return !topic.empty() && topic.size() <= 200 && topic[0] != '.' &&
         std::all_of(topic.begin(), topic.end(), [&](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  kOthers.find(c) != std::string_view::npos;
         });
}

std::string LineOf(const Transaction::Foreign& record) {
  json::error_code bad;
  json::value value = json::parse(record.bytes, bad);
  if (bad) value = json::string(record.bytes);
  return json::serialize(json::object{
             {"key", record.key}, {"value", std::move(value)}, {"at", Rfc3339(record.at)}}) +
         "\n";
}

Error Failed(const std::string& path) {
  const int why = errno;
  return {why == ENOSPC ? Code::kUnavailable : Code::kInternal,
          fmt::format("{}: {}", path, std::generic_category().message(why))};
}

}  // namespace

Topics::~Topics() {
  for (const auto& [topic, file] : files_) ::close(file.fd);
}

Status Topics::Load() {
  Cursor row = db_.Use("SELECT seq, topic, key, bytes, at FROM rp_topic ORDER BY seq");
  int rc = row.Raw();
  for (; rc == SQLITE_ROW; rc = row.Raw()) {
    last_ = row.Int(0);
    waiting_.push_back({last_, {row.String(1), row.String(2), row.String(3), row.At(4)}});
  }
  if (rc != SQLITE_DONE) return row.Failure();
  return {};
}

Status Topics::Send(std::span<const Transaction::Foreign> records) {
  for (const Transaction::Foreign& r : records) {
    if (!ValidTopic(r.topic)) {
      return Error{
          Code::kInvalid,
          fmt::format("'{}' is not a topic's name: letters, digits, '.', '_' and '-'", r.topic)};
    }
    Cursor row = db_.Use("INSERT INTO rp_topic VALUES(?1, ?2, ?3, ?4, ?5)");
    if (auto done = row.Bind(++last_, r.topic, r.key, Blob{r.bytes}, ToMillis(r.at)).Run(); !done)
      return done;
    sent_.push_back({last_, r});
  }
  return {};
}

Status Topics::Forget(bool all) {
  const std::int64_t rows = written_ - forgotten_;
  if (rows == 0 || (!all && rows < kForgetRows)) return {};
  if (!Sync()) return {};  // the rows stay; the journal does not wait for these files
  Cursor row = db_.Use("DELETE FROM rp_topic WHERE seq <= ?1");
  if (auto done = row.Bind(written_).Run(); !done) return done;
  forgetting_ = written_;
  return {};
}

void Topics::Committed() {
  forgotten_ = std::max(forgotten_, forgetting_);
  std::move(sent_.begin(), sent_.end(), std::back_inserter(waiting_));
  sent_.clear();
  forgetting_ = 0;
}

void Topics::RolledBack() {
  sent_.clear();
  forgetting_ = 0;
}

Status Topics::Drain() {
  for (size_t i = 0; i < waiting_.size(); ++i) {
    if (auto done = folder_.empty() ? Status() : Append(waiting_[i]); !done) {
      waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(i));
      return done;
    }
    written_ = waiting_[i].seq;
  }
  waiting_.clear();
  return {};
}

std::string Topics::PathOf(const std::string& topic, int old) const {
  return old == 0 ? fmt::format("{}/{}.jsonl", folder_, topic)
                  : fmt::format("{}/{}.{}.jsonl", folder_, topic, old);
}

Result<Topics::File*> Topics::Open(const std::string& topic) {
  if (const auto it = files_.find(topic); it != files_.end()) return &it->second;
  std::error_code failed;
  fs::create_directories(folder_, failed);
  if (failed) return Error{Code::kInternal, fmt::format("{}: {}", folder_, failed.message())};
  File file;
  file.fd = ::open(PathOf(topic, 0).c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file.fd < 0) return Failed(PathOf(topic, 0));
  struct stat found {};
  if (::fstat(file.fd, &found) == 0) file.bytes = found.st_size;
  char last = '\n';
  if (file.bytes > 0 && ::pread(file.fd, &last, 1, file.bytes - 1) == 1 && last != '\n') {
    // A crash cut a line; its record comes again, on a line of its own.
    if (::write(file.fd, "\n", 1) == 1) ++file.bytes;
  }
  return &files_.emplace(topic, file).first->second;
}

Status Topics::Append(const Row& row) {
  const auto open = Open(row.record.topic);
  if (!open) return open.error();
  File& file = **open;
  const std::string line = LineOf(row.record);
  const auto written = ::write(file.fd, line.data(), line.size());
  if (written != static_cast<ssize_t>(line.size())) {
    const Error why = Failed(PathOf(row.record.topic, 0));
    if (written > 0) (void)!::ftruncate(file.fd, file.bytes);  // never half a line
    return why;
  }
  file.bytes += written;
  file.unsynced = true;
  return file.bytes < kRotateBytes ? Status() : Rotate(row.record.topic, file);
}

Status Topics::Rotate(const std::string& topic, File& file) {
  if (::fdatasync(file.fd) != 0) return Failed(PathOf(topic, 0));
  int oldest = 1;
  std::error_code failed;
  while (fs::exists(PathOf(topic, oldest), failed)) ++oldest;
  for (int n = oldest; n > 0; --n) {
    fs::rename(PathOf(topic, n - 1), PathOf(topic, n), failed);
    if (failed)
      return Error{Code::kInternal, fmt::format("{}: {}", PathOf(topic, n), failed.message())};
  }
  ::close(file.fd);
  files_.erase(topic);
  return {};
}

Status Topics::Sync() {
  for (auto& [topic, file] : files_) {
    if (!file.unsynced) continue;
    if (::fdatasync(file.fd) != 0) return Failed(PathOf(topic, 0));
    file.unsynced = false;
  }
  return {};
}

}  // namespace reprise::runtime::sqlite
