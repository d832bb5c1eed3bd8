#include "http/server.h"

#include <algorithm>
#include <charconv>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <fmt/format.h>
#include <sys/resource.h>

#include "base/log.h"
#include "http/core.h"
#include "http/session.h"

namespace reprise::runtime {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::size_t kRefusedAtOnce =
    256;                             // connections over the limit that are told so, at a time
constexpr Millis kAcceptPause{100};  // when no descriptor is left

std::string Describe(const HttpOptions& options) {
  const bool v6 = options.host.find(':') != std::string::npos;
  return v6 ? fmt::format("[{}]:{}", options.host, options.port)
            : fmt::format("{}:{}", options.host, options.port);
}

Error ListenError(const HttpOptions& options, const error_code& ec) {
  const std::string where = Describe(options);
  const std::string other =
      fmt::format("{}:0", options.host.find(':') == std::string::npos ? options.host
                                                                      : "[" + options.host + "]");
  if (ec == asio::error::address_in_use) {
    return {Code::kUnavailable,
            fmt::format("{} is in use by another process; try --listen {}", where, other)};
  }
  if (ec == asio::error::access_denied) {
    return {Code::kInvalid, fmt::format("{} may not be listened on: ports below 1024 need root or "
                                        "CAP_NET_BIND_SERVICE; try --listen {}",
                                        where, other)};
  }
  return {Code::kInvalid,
          fmt::format("cannot listen on {}: {}; give an address of this machine, as in "
                      "--listen 127.0.0.1:8080",
                      where, ec.message())};
}

/// Lets the process have as many descriptors as it may, up to what the connections need.
void RaiseFileLimit(std::size_t connections) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlim_t wanted = static_cast<rlim_t>(connections) + 256;
  if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= wanted) return;
  limit.rlim_cur = limit.rlim_max == RLIM_INFINITY ? wanted : std::min(wanted, limit.rlim_max);
  setrlimit(RLIMIT_NOFILE, &limit);
}

/// A strand: its work runs in the order posted, one piece at a time.
class Loop : public HttpLoop {
 public:
  explicit Loop(std::shared_ptr<HttpCore> core)
      : core_(std::move(core)), strand_(asio::make_strand(core_->io)) {}

  void Post(std::function<void()> work) override { core_->Post(strand_, std::move(work)); }

  void After(Millis delay, std::function<void()> work) override {
    core_->Post(strand_, [strand = strand_, delay, work = std::move(work)]() mutable {
      auto timer = std::make_shared<asio::steady_timer>(strand, delay);
      timer->async_wait([timer, work = std::move(work)](const error_code& ec) {
        if (!ec) work();
      });
    });
  }

 private:
  const std::shared_ptr<HttpCore> core_;
  const asio::strand<asio::io_context::executor_type> strand_;
};

}  // namespace

Status ParseListen(std::string_view listen, HttpOptions& options) {
  const auto bad = [&] {
    return Error{Code::kInvalid,
                 fmt::format("'{}' is not an address to listen on; write HOST:PORT, "
                             "as in 127.0.0.1:8080 or [::1]:0",
                             listen)};
  };
  const std::size_t colon = listen.rfind(':');
  std::string_view host = colon == std::string_view::npos ? "127.0.0.1" : listen.substr(0, colon);
  const std::string_view port = colon == std::string_view::npos ? listen : listen.substr(colon + 1);
  if (host.starts_with('[')) {
    if (!host.ends_with(']')) return bad();
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return bad();
  }
  std::uint16_t number = 0;
  const auto [end, ec] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (ec != std::errc() || end != port.data() + port.size()) return bad();
  options.host = host.empty() ? "0.0.0.0" : std::string(host);
  options.port = number;
  return {};
}

struct HttpServer::Parts {
  explicit Parts(HttpOptions options)
      : core(std::make_shared<HttpCore>(std::move(options))),
        acceptor(core->io),
        pause(core->io),
        work(core->io.get_executor()) {}

  void Accept();
  void Admit(tcp::socket socket);

  const std::shared_ptr<HttpCore> core;
  tcp::acceptor acceptor;
  asio::steady_timer pause;
  asio::executor_work_guard<asio::io_context::executor_type> work;
  std::vector<std::thread> threads;
  tcp::endpoint endpoint;
  std::mutex stop;
};

HttpServer::HttpServer(HttpOptions options) : parts_(std::make_unique<Parts>(std::move(options))) {}

HttpServer::~HttpServer() {
  Stop(Millis(0));
}

Status HttpServer::Listen() {
  const HttpOptions& options = parts_->core->options;
  error_code ec;
  tcp::resolver resolver(parts_->core->io);
  const auto found = resolver.resolve(options.host, std::to_string(options.port),
                                      tcp::resolver::passive | tcp::resolver::numeric_service, ec);
  if (ec || found.empty()) return ListenError(options, ec ? ec : asio::error::host_not_found);
  const tcp::endpoint endpoint = found.begin()->endpoint();
  RaiseFileLimit(options.connections_max);
  tcp::acceptor& acceptor = parts_->acceptor;
  acceptor.open(endpoint.protocol(), ec);
  if (!ec) acceptor.set_option(tcp::acceptor::reuse_address(true), ec);  // after a restart, at once
  if (!ec) acceptor.bind(endpoint, ec);
  if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
  if (!ec) parts_->endpoint = acceptor.local_endpoint(ec);
  if (!ec) return {};
  error_code ignored;
  acceptor.close(ignored);
  return ListenError(options, ec);
}

Status HttpServer::Start(HttpHandler handler) {
  if (!parts_->acceptor.is_open()) {
    if (auto s = Listen(); !s) return s.error();
  }
  parts_->core->handler = std::move(handler);
  parts_->Accept();
  for (int i = 0; i < std::max(1, parts_->core->options.threads); ++i) {
    parts_->threads.emplace_back([core = parts_->core] { core->io.run(); });
  }
  return {};
}

/// One accept at a time; runs on any of the server's threads, never on two.
void HttpServer::Parts::Accept() {
  acceptor.async_accept(
      asio::make_strand(core->io), [this](const error_code& ec, tcp::socket socket) {
        if (!acceptor.is_open() || core->draining) return;
        if (!ec) {
          Admit(std::move(socket));
          return Accept();
        }
        if (ec == asio::error::connection_aborted) return Accept();
        Log(LogLevel::kWarn, "http: cannot accept a connection", {{"error", ec.message()}});
        pause.expires_after(kAcceptPause);  // most likely no descriptor is left
        pause.async_wait([this](const error_code& stopped) {
          if (!stopped) Accept();
        });
      });
}

void HttpServer::Parts::Admit(tcp::socket socket) {
  const HttpOptions& options = core->options;
  error_code ec;
  const tcp::endpoint peer = socket.remote_endpoint(ec);
  if (ec) return;  // gone already
  socket.set_option(tcp::no_delay(true), ec);
  auto session = std::make_shared<Session>(core, std::move(socket), peer.address().to_string());
  std::optional<Problem> refusal;
  {
    const std::lock_guard lock(core->mutex);
    const std::size_t present = core->sessions.size();
    if (present >= options.connections_max + kRefusedAtOnce) return;
    const std::size_t of_client = ++core->per_client[session->remote()];
    if (present >= options.connections_max) {
      refusal =
          Problem{.status = 503,
                  .code = "http.too_many_connections",
                  .detail = fmt::format("all {} connections are in use", options.connections_max)};
    } else if (options.connections_per_client_max != 0 &&
               of_client > options.connections_per_client_max) {
      refusal = Problem{.status = 429,
                        .code = "http.too_many_connections_of_client",
                        .detail = fmt::format("one client may have {} connections",
                                              options.connections_per_client_max)};
    }
    core->sessions.insert(session.get());
  }
  session->Start(std::move(refusal));
}

void HttpServer::Stop(Millis grace) {
  const std::lock_guard only_one(parts_->stop);
  HttpCore& core = *parts_->core;
  if (core.draining.exchange(true)) return;
  if (parts_->threads.empty()) return parts_->acceptor.close();
  core.Post(core.io.get_executor(), [parts = parts_.get()] {
    error_code ignored;
    parts->acceptor.close(ignored);
    parts->pause.cancel();
  });
  {
    std::unique_lock lock(core.mutex);
    for (Session* session : core.sessions) session->Drain();
    core.changed.wait_for(lock, grace, [&] { return core.sessions.empty(); });
    for (Session* session : core.sessions) session->Kill();
    core.changed.wait(lock, [&] { return core.sessions.empty(); });
  }
  {
    const std::unique_lock lock(core.stop_mutex);
    core.stopped = true;
  }
  parts_->work.reset();
  core.io.stop();
  for (std::thread& thread : parts_->threads) thread.join();
  core.io.restart();
  core.io.poll();  // what was posted last; it may hold the core
}

std::uint16_t HttpServer::port() const {
  return parts_->endpoint.port();
}

std::string HttpServer::address() const {
  HttpOptions taken = parts_->core->options;
  taken.port = port();
  return Describe(taken);
}

std::size_t HttpServer::connections() const {
  const std::lock_guard lock(parts_->core->mutex);
  return parts_->core->sessions.size();
}

std::shared_ptr<HttpLoop> HttpServer::loop() const {
  return std::make_shared<Loop>(parts_->core);
}

}  // namespace reprise::runtime
