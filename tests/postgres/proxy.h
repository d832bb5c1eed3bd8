/// A wire that a test can cut: what the server has begun it finishes, but nobody hears of it.
#pragma once

#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace reprise::runtime {

class Proxy {
 public:
  explicit Proxy(int port) : port_(port) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in at = Loopback(0);
    socklen_t size = sizeof at;
    ::bind(listener_, reinterpret_cast<sockaddr*>(&at), size);
    ::listen(listener_, 16);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
    here_ = ntohs(at.sin_port);
    thread_ = std::thread([this] { Carry(); });
  }
  ~Proxy() {
    stop_ = true;
    thread_.join();
    for (const Wire& wire : wires_) Close(wire);
    ::close(listener_);
  }
  int port() const { return here_; }

  /// Every client loses its connection now; the server does not notice.
  void Cut() {
    cut_ = true;
    while (cut_) std::this_thread::yield();  // polls: the carrying thread does it
  }

 private:
  struct Wire {
    int client = -1, server = -1;
  };
  static sockaddr_in Loopback(int port) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(static_cast<std::uint16_t>(port));
    return at;
  }
  static void Close(const Wire& wire) {
    if (wire.client >= 0) ::close(wire.client);
    if (wire.server >= 0) ::close(wire.server);
  }
  void Accept() {
    Wire wire{::accept(listener_, nullptr, nullptr), ::socket(AF_INET, SOCK_STREAM, 0)};
    const sockaddr_in to = Loopback(port_);
    if (::connect(wire.server, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) {
      wires_.push_back(wire);
    } else {
      Close(wire);
    }
  }
  static bool Pass(int from, int to) {
    char bytes[65536];
    const ssize_t got = ::recv(from, bytes, sizeof bytes, 0);
    for (ssize_t sent = 0; sent < got;) {
      const ssize_t n =
          ::send(to, bytes + sent, static_cast<std::size_t>(got - sent), MSG_NOSIGNAL);
      if (n <= 0) return false;
      sent += n;
    }
    return got > 0;
  }
  void Carry() {
    while (!stop_) {
      if (cut_) {
        for (Wire& wire : wires_) {
          ::close(wire.client);
          wire.client = -1;
        }
        cut_ = false;
      }
      std::vector<pollfd> sockets{{listener_, POLLIN, 0}};
      for (const Wire& wire : wires_) {
        sockets.push_back({wire.client, POLLIN, 0});
        sockets.push_back({wire.client < 0 ? -1 : wire.server, POLLIN, 0});
      }
      ::poll(sockets.data(), sockets.size(), 5);
      const std::size_t known = wires_.size();
      if (sockets[0].revents != 0) Accept();
      for (std::size_t i = 0; i < known; ++i) {
        Wire& wire = wires_[i];
        bool good = true;
        if (sockets[1 + 2 * i].revents != 0) good = Pass(wire.client, wire.server);
        if (sockets[2 + 2 * i].revents != 0) good = Pass(wire.server, wire.client) && good;
        if (good) continue;
        Close(wire);
        wire = {};
      }
    }
  }

  const int port_;
  int listener_ = -1, here_ = 0;
  std::vector<Wire> wires_;
  std::atomic<bool> stop_ = false, cut_ = false;
  std::thread thread_;
};

}  // namespace reprise::runtime
