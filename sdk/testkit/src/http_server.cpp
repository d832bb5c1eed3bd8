#include <algorithm>
#include <array>
#include <cctype>
#include <deque>
#include <mutex>
#include <stdexcept>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <reprise/testkit/http_server.hpp>

namespace reprise {
namespace {

enum class Manner { kAnswer, kDrop, kHang };

struct Scripted {
  Manner manner = Manner::kAnswer;
  int status = 404;
  std::string body;
  HttpServer::Headers headers;
};

constexpr std::size_t kRequestBytesMax = 4u << 20;

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// Parses what precedes the empty line; the body's length from Content-Length.
HttpServer::Request ParseHead(const std::string& head) {
  HttpServer::Request request;
  const std::size_t first = head.find(' ');
  const std::size_t second = head.find(' ', first + 1);
  if (first == std::string::npos || second == std::string::npos) return request;
  request.method = head.substr(0, first);
  request.path = head.substr(first + 1, second - first - 1);
  for (std::size_t at = head.find("\r\n"); at != std::string::npos && at + 2 < head.size();) {
    const std::size_t next = head.find("\r\n", at + 2);
    const std::string line = head.substr(at + 2, next == std::string::npos ? next : next - at - 2);
    const std::size_t colon = line.find(':');
    if (colon != std::string::npos) {
      const std::size_t value = line.find_first_not_of(' ', colon + 1);
      request.headers[Lower(line.substr(0, colon))] =
          value == std::string::npos ? "" : line.substr(value);
    }
    at = next;
  }
  return request;
}

}  // namespace

struct HttpServer::Impl {
  int listener = -1;
  std::array<int, 2> wake{-1, -1};  // a byte in here ends everything
  int port = 0;
  mutable std::mutex mutex;  // guards the three below
  std::map<std::string, Scripted, std::less<>> routes;
  std::map<std::string, std::deque<Scripted>, std::less<>> once;
  std::vector<Request> requests;
  std::thread thread;

  /// Until the socket can be read; false: the server ends.
  bool Wait(int socket) const {
    std::array<pollfd, 2> fds{{{socket, POLLIN, 0}, {wake[0], POLLIN, 0}}};
    while (poll(fds.data(), fds.size(), -1) < 0) {
    }
    return fds[1].revents == 0;
  }

  /// One more piece of what the client sends; false: no more comes.
  bool Receive(int client, std::string& data) const {
    std::array<char, 8192> piece{};
    if (!Wait(client)) return false;
    const ssize_t n = recv(client, piece.data(), piece.size(), 0);
    if (n <= 0 || data.size() > kRequestBytesMax) return false;
    data.append(piece.data(), static_cast<std::size_t>(n));
    return true;
  }

  static void Send(int client, std::string_view data) {
    while (!data.empty()) {
      const ssize_t n = send(client, data.data(), data.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      data.remove_prefix(static_cast<std::size_t>(n));
    }
  }

  Scripted Take(const Request& request) {
    const std::lock_guard lock(mutex);
    requests.push_back(request);
    const std::string route = request.method + " " + request.path.substr(0, request.path.find('?'));
    if (auto& queue = once[route]; !queue.empty()) {
      Scripted scripted = std::move(queue.front());
      queue.pop_front();
      return scripted;
    }
    const auto found = routes.find(route);
    return found == routes.end() ? Scripted{} : found->second;
  }

  void Serve(int client) {
    std::string data;
    std::size_t end = std::string::npos;
    while ((end = data.find("\r\n\r\n")) == std::string::npos) {
      if (!Receive(client, data)) return;
    }
    Request request = ParseHead(data.substr(0, end));
    const auto length = request.headers.find("content-length");
    const std::size_t size = length == request.headers.end() ? 0 : std::stoul(length->second);
    while (data.size() < end + 4 + size) {
      if (!Receive(client, data)) return;
    }
    request.body = data.substr(end + 4, size);
    const Scripted scripted = Take(request);
    if (scripted.manner == Manner::kDrop) return;
    if (scripted.manner == Manner::kHang) {
      while (Receive(client, data)) {
      }
      return;
    }
    std::string reply = "HTTP/1.1 " + std::to_string(scripted.status) + " Scripted\r\n";
    for (const auto& [name, value] : scripted.headers)
      reply.append(name).append(": ").append(value).append("\r\n");
    reply += "Content-Type: application/json\r\nConnection: close\r\nContent-Length: " +
             std::to_string(scripted.body.size()) + "\r\n\r\n" + scripted.body;
    Send(client, reply);
  }

  void Loop() {
    while (Wait(listener)) {
      const int client = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) continue;
      Serve(client);
      close(client);
    }
  }
};

HttpServer::HttpServer() : impl_(std::make_unique<Impl>()) {
  impl_->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const plain = reinterpret_cast<sockaddr*>(&address);
  if (pipe2(impl_->wake.data(), O_CLOEXEC) != 0 || bind(impl_->listener, plain, size) != 0 ||
      listen(impl_->listener, 64) != 0 || getsockname(impl_->listener, plain, &size) != 0) {
    throw std::runtime_error("cannot listen on a loopback port");
  }
  impl_->port = ntohs(address.sin_port);
  impl_->thread = std::thread([this] { impl_->Loop(); });
}

HttpServer::~HttpServer() {
  const char byte = 0;
  if (write(impl_->wake[1], &byte, 1) == 1) impl_->thread.join();
  close(impl_->listener);
  close(impl_->wake[0]);
  close(impl_->wake[1]);
}

std::string HttpServer::url() const {
  return "http://127.0.0.1:" + std::to_string(impl_->port);
}

HttpServer& HttpServer::On(std::string_view route, int status, std::string_view body,
                           Headers headers) {
  const std::lock_guard lock(impl_->mutex);
  impl_->routes[std::string(route)] = {Manner::kAnswer, status, std::string(body),
                                       std::move(headers)};
  return *this;
}

HttpServer& HttpServer::Once(std::string_view route, int status, std::string_view body,
                             Headers headers) {
  const std::lock_guard lock(impl_->mutex);
  impl_->once[std::string(route)].push_back(
      {Manner::kAnswer, status, std::string(body), std::move(headers)});
  return *this;
}

HttpServer& HttpServer::Drop(std::string_view route) {
  const std::lock_guard lock(impl_->mutex);
  impl_->once[std::string(route)].push_back({Manner::kDrop, 0, {}, {}});
  return *this;
}

HttpServer& HttpServer::Hang(std::string_view route) {
  const std::lock_guard lock(impl_->mutex);
  impl_->once[std::string(route)].push_back({Manner::kHang, 0, {}, {}});
  return *this;
}

std::vector<HttpServer::Request> HttpServer::requests() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->requests;
}

void HttpServer::Forget() {
  const std::lock_guard lock(impl_->mutex);
  impl_->requests.clear();
}

}  // namespace reprise
