/// A client for tests that sends what it is told, byte for byte, and reads whole responses.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace reprise::runtime {

struct Reading {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;

  std::string Header(const std::string& name) const {
    const auto it = headers.find(name);
    return it == headers.end() ? std::string() : it->second;
  }
  /// A member of the JSON body: text as it is, anything else serialized, "" if there is none.
  std::string Field(std::string_view name) const;
};

class Client {  // Every read fails the test after 20 s.
 public:
  /// `receive_bytes`: a small receive buffer, for clients that do not read.
  explicit Client(std::uint16_t port, int receive_bytes = 0);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// False if the server closed the connection.
  bool Send(std::string_view bytes);
  void EndSending();

  /// The next response; status 0 if the connection ends before it is whole.
  Reading Read(bool head_only = false);
  /// Everything up to and with `mark`; what was there at the end if the connection ends first.
  std::string ReadUntil(std::string_view mark);
  /// Whether the server ends the connection (without reading what else comes).
  bool ReadEnd();

  Reading Get(const std::string& target, const std::string& headers = "");
  Reading Post(const std::string& target, const std::string& body, const std::string& headers = "");

 private:
  bool Fill();

  int socket_ = -1;
  std::string in_;
};

}  // namespace reprise::runtime
