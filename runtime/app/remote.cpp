#include "app/remote.h"

#include <cstdlib>

#include <fmt/core.h>

namespace reprise::runtime {
namespace {

constexpr const char* kDefaultServer = "http://127.0.0.1:8080";

std::string Token() {
  const char* token = std::getenv("REPRISE_ADMIN_TOKEN");
  return token == nullptr ? "" : token;
}

class Server : public Remote {
 public:
  explicit Server(std::string server) : server_(std::move(server)) {}

  Answer Get(const std::vector<std::string>& path, const Query& query) override {
    return Send({.method = "GET", .url = MakeUrl(server_, Api(path), query), .bearer = Token()});
  }

  Answer Post(const std::vector<std::string>& path, const json::object& body) override {
    return Send({.method = "POST",
                 .url = MakeUrl(server_, Api(path)),
                 .body = json::serialize(body),
                 .content_type = "application/json",
                 .bearer = Token(),
                 .patience = Millis(600'000)});  // a backup takes long
  }

  std::string flags() const override {
    return server_ == kDefaultServer ? "" : " --server " + server_;
  }

 private:
  static std::vector<std::string> Api(const std::vector<std::string>& path) {
    std::vector<std::string> whole = {"api", "v1"};
    whole.insert(whole.end(), path.begin(), path.end());
    return whole;
  }

  Answer Send(const HttpCall& call) const {
    const auto http = Fetch(call);
    if (http) return ReadAnswer(*http);
    if (http.error().code == Code::kInvalid)
      return Answer::Problem(400, "server", http.error().message);
    return Unreachable(server_, http.error().message);
  }

  const std::string server_;
};

std::string TextOf(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

const char* Remedy(const Answer& answer) {
  if (answer.code == "ambiguous") return "give more of the id";
  if (answer.status == 401) return "set REPRISE_ADMIN_TOKEN to the runtime's";
  if (answer.code == "changed") return "look again with 'show', then decide";
  return nullptr;
}

}  // namespace

Answer Unreachable(const std::string& server, const std::string& reason) {
  return Answer::Problem(
      0, "unreachable",
      fmt::format("cannot reach a runtime at {}: {}\n  start one with 'reprise run', name another "
                  "with --server URL, or read a stopped one's file with --file F",
                  server, reason));
}

Answer ReadAnswer(const HttpAnswer& http) {
  json::error_code error;
  const json::value body = json::parse(http.body, error);
  if (error || !body.is_object()) {
    return Answer::Problem(
        http.status < 400 ? 502 : http.status, "not_a_runtime",
        fmt::format("the answer (status {}) is not one of a reprise runtime", http.status));
  }
  if (http.status < 400) return {http.status, body.get_object(), {}, {}};
  const std::string code = TextOf(body.get_object(), "code");
  std::string detail = TextOf(body.get_object(), "detail");
  if (detail.empty()) detail = TextOf(body.get_object(), "title");
  return Answer::Problem(http.status, code.empty() ? "http" : code, std::move(detail));
}

int ExitOf(const Answer& answer) {
  if (answer.ok()) return exit_code::kOk;
  const char* remedy = Remedy(answer);
  fmt::print(stderr, "reprise: {}\n", answer.detail.empty() ? answer.code : answer.detail);
  if (remedy != nullptr) fmt::print(stderr, "  {}\n", remedy);
  if (answer.status == 0) return exit_code::kUnreachable;
  if (answer.status == 404) return exit_code::kNotFound;
  return answer.status == 400 ? exit_code::kUsage : exit_code::kProblems;
}

std::unique_ptr<Remote> OpenServer(const std::string& server) {
  return std::make_unique<Server>(server);
}

std::unique_ptr<Remote> OpenRemote(const Options& options, Answer& failed) {
  return options.file ? OpenStopped(*options.file, options, failed) : OpenServer(options.server);
}

}  // namespace reprise::runtime
