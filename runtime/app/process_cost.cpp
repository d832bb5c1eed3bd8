#include "app/process_cost.h"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>

#include <sys/resource.h>
#include <unistd.h>

namespace reprise::runtime {
namespace {

struct Process {
  int parent = 0;
  double cpu_s = 0;
};

/// proc(5): "pid (name) state ppid ..."; fields 14 to 17 are user, system, and those of children.
Process ReadStat(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string line{std::istreambuf_iterator<char>(in), {}};
  const std::size_t name_ends = line.rfind(')');
  if (name_ends == std::string::npos) return {};  // it has just ended
  std::istringstream fields(line.substr(name_ends + 1));
  std::string skipped;
  Process process;
  fields >> skipped >> process.parent;
  for (int field = 5; field <= 13; ++field) fields >> skipped;
  long long ticks = 0, sum = 0;
  for (int field = 14; field <= 17 && fields >> ticks; ++field) sum += ticks;
  process.cpu_s = static_cast<double>(sum) / static_cast<double>(sysconf(_SC_CLK_TCK));
  return process;
}

std::map<int, Process> AllProcesses() {
  std::map<int, Process> all;
  std::error_code gone;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", gone)) {
    const std::string name = entry.path().filename().string();
    int pid = 0;
    const char* end = name.data() + name.size();
    if (std::from_chars(name.data(), end, pid).ptr == end)
      all[pid] = ReadStat(entry.path() / "stat");
  }
  return all;
}

}  // namespace

double OwnCpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double OwnPeakMib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::atof(line.c_str() + 6) / 1024;
  }
  return 0;
}

double TreesCpuSeconds(const std::string& roots) {
  const std::map<int, Process> all = AllProcesses();
  std::set<int> trees;
  std::istringstream in(roots);
  for (std::string pid; std::getline(in, pid, ',');) trees.insert(std::atoi(pid.c_str()));
  const auto below = [&](int pid) {
    for (auto it = all.find(pid); it != all.end(); it = all.find(it->second.parent)) {
      if (trees.contains(it->first)) return true;
    }
    return false;
  };
  double sum = 0;
  for (const auto& [pid, process] : all) {
    if (below(pid)) sum += process.cpu_s;
  }
  return sum;
}

}  // namespace reprise::runtime
