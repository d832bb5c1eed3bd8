#include "client.h"

#include <arpa/inet.h>
#include <boost/json.hpp>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace reprise::runtime {
namespace {

constexpr int kPatienceMs = 20'000;

std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

}  // namespace

std::string Reading::Field(std::string_view name) const {
  boost::json::error_code ec;
  const boost::json::value value = boost::json::parse(body, ec);
  if (ec || !value.is_object()) return "";
  const boost::json::value* field = value.get_object().if_contains(name);
  if (field == nullptr) return "";
  return field->is_string() ? std::string(field->get_string().c_str())
                            : boost::json::serialize(*field);
}

Client::Client(std::uint16_t port, int receive_bytes) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
  if (receive_bytes != 0) {
    setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes));
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    ADD_FAILURE() << "cannot connect to port " << port;
  }
}

Client::~Client() {
  ::close(socket_);
}

bool Client::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void Client::EndSending() {
  ::shutdown(socket_, SHUT_WR);
}

bool Client::Fill() {
  pollfd waiting{socket_, POLLIN, 0};
  if (::poll(&waiting, 1, kPatienceMs) <= 0) {
    ADD_FAILURE() << "nothing came in " << kPatienceMs << " ms; so far: " << in_.substr(0, 500);
    return false;
  }
  char bytes[16 * 1024];
  const ssize_t got = ::recv(socket_, bytes, sizeof(bytes), 0);
  if (got <= 0) return false;
  in_.append(bytes, static_cast<std::size_t>(got));
  return true;
}

Reading Client::Read(bool head_only) {
  Reading reading;
  while (in_.find("\r\n\r\n") == std::string::npos) {
    if (!Fill()) return reading;
  }
  const std::size_t head_end = in_.find("\r\n\r\n") + 4;
  const std::string head = in_.substr(0, head_end);
  in_.erase(0, head_end);
  const int status = std::stoi(head.substr(9, 3));
  for (std::size_t at = head.find("\r\n") + 2; at + 2 < head.size();) {
    const std::size_t end = head.find("\r\n", at);
    const std::size_t colon = head.find(": ", at);
    reading.headers[Lower(head.substr(at, colon - at))] = head.substr(colon + 2, end - colon - 2);
    at = end + 2;
  }
  const std::string length = reading.Header("content-length");
  const std::size_t size = head_only || length.empty() ? 0 : std::stoul(length);
  while (in_.size() < size) {
    if (!Fill()) return reading;
  }
  reading.body = in_.substr(0, size);
  in_.erase(0, size);
  reading.status = status;
  return reading;
}

std::string Client::ReadUntil(std::string_view mark) {
  while (in_.find(mark) == std::string::npos) {
    if (Fill()) continue;
    return std::exchange(in_, {});
  }
  const std::size_t end = in_.find(mark) + mark.size();
  std::string text = in_.substr(0, end);
  in_.erase(0, end);
  return text;
}

bool Client::ReadEnd() {
  pollfd waiting{socket_, POLLIN, 0};
  char bytes[16 * 1024];
  while (::poll(&waiting, 1, kPatienceMs) > 0) {
    if (::recv(socket_, bytes, sizeof(bytes), 0) <= 0) return true;
  }
  return false;
}

Reading Client::Get(const std::string& target, const std::string& headers) {
  Send("GET " + target + " HTTP/1.1\r\nHost: t\r\n" + headers + "\r\n");
  return Read();
}

Reading Client::Post(const std::string& target, const std::string& body,
                     const std::string& headers) {
  Send("POST " + target +
       " HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: " +
       std::to_string(body.size()) + "\r\n" + headers + "\r\n" + body);
  return Read();
}

}  // namespace reprise::runtime
