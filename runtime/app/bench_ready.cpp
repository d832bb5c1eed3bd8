#include "app/bench_ready.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/child.h"
#include "app/http_client.h"
#include "app/temporary_folder.h"

namespace reprise::runtime {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{30};

/// A descriptor of ours, closed at the end.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int operator*() const { return number_; }

 private:
  const int number_;
};

/// A port of the loopback that nobody listens on, as "127.0.0.1:41234".
Result<std::string> FreeAddress() {
  const Descriptor taken(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);  // NOLINT: the sockets' form
  if (bind(*taken, any, size) != 0 || getsockname(*taken, any, &size) != 0)
    return Error{Code::kUnavailable, "no port is free"};
  return "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
}

std::vector<std::string> CommandLine(const Options& options, const std::string& file,
                                     const std::string& address) {
  std::vector<std::string> words{std::filesystem::read_symlink("/proc/self/exe").string(), "run"};
  words.insert(words.end(), options.paths.begin(), options.paths.end());
  words.insert(words.end(), {"--engine", "embedded", "--file", file, "--listen", address});
  if (!options.config.empty()) words.insert(words.end(), {"--config", options.config});
  for (const std::string& folder : options.plugins)
    words.insert(words.end(), {"--plugins", folder});
  return words;
}

std::string TextOf(const std::filesystem::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Milliseconds of one start.
Result<double> StartOnce(const Options& options, const std::filesystem::path& where) {
  const auto folder = TemporaryFolder::Make("bench", where);
  if (!folder) return folder.error();
  const auto address = FreeAddress();
  if (!address) return address.error();
  const auto said = folder->path() / "said";
  const Descriptor out(open(said.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  const HttpCall ready{.url = "http://" + *address + "/readyz", .patience = Millis(1000)};
  const auto began = Steady::now();
  auto runtime = Child::Start(
      CommandLine(options, (folder->path() / "bench.db").string(), *address), *out, *out);
  if (!runtime) return runtime.error();
  while (runtime->Runs() && Steady::now() < began + kPatience) {
    const auto answer = Fetch(ready);
    if (answer && answer->status == 200)
      return std::chrono::duration<double, std::milli>(Steady::now() - began).count();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return Error{Code::kUnavailable, "the runtime does not become ready: " + TextOf(said)};
}

}  // namespace

Result<json::object> MeasureReady(const Options& options, const std::filesystem::path& where,
                                  int starts) {
  std::vector<double> took;
  for (int i = 0; i < starts; ++i) {
    const auto one = StartOnce(options, where);
    if (!one) return one.error();
    took.push_back(*one);
  }
  std::sort(took.begin(), took.end());
  return json::object{
      {"starts", starts}, {"p50_ms", took[took.size() / 2]}, {"max_ms", took.back()}};
}

}  // namespace reprise::runtime
