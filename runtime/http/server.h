/// The HTTP server: listens, reads requests within limits, hands them to one handler and writes
/// what it answers.
///
/// Every wait of a connection has a deadline, every buffer a bound.  After a request that does not
/// parse the connection is closed, for nobody knows where the next one begins.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "ports/http.h"

namespace reprise::runtime {

struct HttpOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8080;  // 0: a free one
  int threads = 1;

  std::size_t head_bytes_max = 8 * 1024;       // beyond: 431
  std::size_t body_bytes_max = 1024 * 1024;    // beyond: 413
  std::size_t connections_max = 10'000;        // beyond: 503 and closed
  std::size_t connections_per_client_max = 0;  // beyond: 429 and closed; 0: no limit
  std::size_t stream_bytes_max = 256 * 1024;   // unread by the client of a stream: it is dropped

  Millis head_deadline{10'000};   // from the first byte (or the connection) to the whole head: 408
  Millis body_deadline{30'000};   // from the head to the whole body: 408
  Millis idle_deadline{60'000};   // between requests: closed
  Millis write_deadline{30'000};  // for one response, or one write of a stream: closed
  Millis ping_every{15'000};      // a comment on a silent stream
};

/// "127.0.0.1:8080", "[::1]:0", ":8080" (every address), "8080" into host and port.
Status ParseListen(std::string_view listen, HttpOptions& options);

/// A turn on the server's threads, for whoever has work beside requests: pieces run in the order
/// posted, one at a time, each loop for itself.  Work must not own the loop it waits on.
class HttpLoop {  // Threads: any.
 public:
  virtual ~HttpLoop() = default;

  /// Runs `work` soon.  Work that is left when the server has stopped is dropped.
  virtual void Post(std::function<void()> work) = 0;
  virtual void After(Millis delay, std::function<void()> work) = 0;
};

class HttpServer {  // Threads: Start and Stop from one that is not the server's, the rest from any.
 public:
  explicit HttpServer(HttpOptions options);
  ~HttpServer();  // stops without grace
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Takes the address.  From here on the kernel queues connections; they are served from Start on.
  Status Listen();

  /// Listens if that was not done, and serves.
  Status Start(HttpHandler handler);

  /// Stops accepting, closes idle connections and streams, waits at most `grace` for requests in
  /// flight, then cuts what is left.
  void Stop(Millis grace = Millis(10'000));

  std::uint16_t port() const;   // the one really taken
  std::string address() const;  // "127.0.0.1:43121"
  std::size_t connections() const;
  std::shared_ptr<HttpLoop> loop() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace reprise::runtime
