/// One connection: reads a request, waits for its answer, writes it, and again.  Only for
/// server.cpp.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "http/core.h"
#include "http/wire.h"
#include "ports/http.h"

// GCC 12 takes the operator new and delete of Asio's coroutine frames, once inlined, for a
// mismatched pair.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

namespace reprise::runtime {

/// How long a client may take to hear why its connection is closed.
inline constexpr Millis kLinger{1'000};

class Session : public std::enable_shared_from_this<Session> {  // Threads: its strand, but for
                                                                // Drain and Kill.
 public:
  Session(std::shared_ptr<HttpCore> core, boost::asio::ip::tcp::socket socket, std::string remote);
  ~Session();

  /// Serves until the connection ends.  `refusal`: answers just this and closes.
  void Start(std::optional<Problem> refusal);

  void Drain();  // ends when idle, a stream at once; any thread
  void Kill();   // cuts the connection; any thread

  const std::string& remote() const { return remote_; }

 private:
  class Exchange;
  class Stream;
  struct Parser;
  struct Asked {
    HttpRequest request;
    Framing framing;
    bool keep_alive = true, wants_continue = false, about_server = false;
  };
  using Done = boost::asio::awaitable<void>;
  using Whether = boost::asio::awaitable<bool>;  // false: the connection is to be closed

  static Done Run(std::shared_ptr<Session> session, std::optional<Problem> refusal);
  void Finish();
  Whether ServeOne(bool first);
  Whether ReadHead(bool first, Parser& parser, Asked& in);
  std::optional<Problem> ParseHead(const std::string& head, Parser& parser, Asked& in);
  Whether ReadBody(Parser& parser, Asked& in);
  Whether ReadSome(std::size_t bytes);
  Whether Write(std::string bytes);
  Whether Answer(Asked& in);
  Done RunStream(std::shared_ptr<Stream> stream, Framing framing);
  Done Refuse(Problem problem, bool head_only = false);
  Done Linger();
  void CallHandler(HttpRequest request);

  void Arm(Millis deadline);  // cancels what the socket does once it has passed
  void Disarm();
  void WatchForEnd();  // of a stream's client
  void Cut();
  template <class Work>
  void OnStrand(Work work);

  const std::shared_ptr<HttpCore> core_;
  boost::asio::ip::tcp::socket socket_;
  const std::string remote_;
  boost::asio::steady_timer deadline_, signal_;
  std::uint64_t armed_ = 0;  // which arming of the deadline is the valid one
  bool timed_out_ = false, cut_ = false, idle_ = false;
  std::string in_;  // read, not yet parsed
  std::array<char, 512> discarded_{};

  // The exchange under way.
  std::uint64_t exchange_ = 0;
  std::optional<HttpResponse> response_;
  std::shared_ptr<Stream> stream_;
};

}  // namespace reprise::runtime
