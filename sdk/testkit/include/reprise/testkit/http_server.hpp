/// A real HTTP server on a loopback port, for tests of plugins that call out.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace reprise {

class HttpServer {  // Threads: any; requests are answered one after other on its own.
 public:
  struct Request {
    std::string method, path, body;
    std::map<std::string, std::string> headers;  // names in lower case
  };
  using Headers = std::vector<std::pair<std::string, std::string>>;

  HttpServer();
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// "http://127.0.0.1:PORT": for settings.
  std::string url() const;

  /// From now on `route` ("POST /x") is answered so; 404 otherwise.
  HttpServer& On(std::string_view route, int status, std::string_view body = {},
                 Headers headers = {});
  /// The next request of the route, before what On says; several queue up.
  HttpServer& Once(std::string_view route, int status, std::string_view body = {},
                   Headers headers = {});
  /// The next request of the route: taken and recorded, but the answer is lost.
  HttpServer& Drop(std::string_view route);
  /// The next request of the route: never answered, until the caller gives up.
  HttpServer& Hang(std::string_view route);

  /// All so far, in order.
  std::vector<Request> requests() const;
  void Forget();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace reprise
