/// HTTP as its handlers see it: a request that has fully arrived and a responder that any thread
/// may use. Implemented by http/; admin/ and whoever else answers requests needs only this.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/field_check.h"

namespace reprise::runtime {

/// Checked by the server: one Host, decodable target, body within its limit and complete.
struct HttpRequest {
  std::string method;  // as sent: "GET", "POST", "HEAD"
  std::string path;    // as sent, still percent-encoded, without query: "/orders/a%20b/lines"
  std::vector<std::string>
      segments;  // of path, percent-decoded: {"orders", "a b", "lines"}; "/" has none
  std::vector<std::pair<std::string, std::string>> query;  // percent-decoded, in order of arrival
  std::vector<std::pair<std::string, std::string>>
      headers;  // names in lower case, in order of arrival
  std::string body;
  std::string remote;  // the client's address, without port

  /// The first header of this (lower-case) name; nothing if there is none.
  std::optional<std::string_view> Header(std::string_view name) const {
    return First(headers, name);
  }

  /// The first query field of this name; `?verbose` is the empty text.
  std::optional<std::string_view> Query(std::string_view name) const { return First(query, name); }

  /// The credentials of `Authorization: Bearer`, or empty.
  std::string_view bearer() const {
    const std::string_view value = Header("authorization").value_or("");
    constexpr std::string_view kScheme = "bearer ";
    if (value.size() <= kScheme.size()) return {};
    for (std::size_t i = 0; i < kScheme.size(); ++i) {
      const char c = value[i];
      if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != kScheme[i]) return {};
    }
    const std::size_t first = value.find_first_not_of(' ', kScheme.size());
    return first == std::string_view::npos ? std::string_view() : value.substr(first);
  }

 private:
  static std::optional<std::string_view> First(
      const std::vector<std::pair<std::string, std::string>>& pairs, std::string_view name) {
    for (const auto& [key, value] : pairs) {
      if (key == name) return std::string_view(value);
    }
    return std::nullopt;
  }
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";  // not sent if the body is empty
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

/// A refusal; sent as application/problem+json (RFC 9457) with `type` "/problems/<code>".
struct Problem {
  int status = 500;
  std::string code, detail;
  std::string instance;              // what it is about; left out if empty
  std::optional<int> retry_after_s;  // 503 and 429 get 1 if nothing is said
  std::vector<FieldProblem> errors;
  std::string trace_id, saga_id;                             // left out if empty
  std::vector<std::pair<std::string, std::string>> headers;  // added to the response
};

/// A response that goes on: server-sent events (WHATWG HTML, section 9.2).
class EventStream {  // Threads: any.
 public:
  virtual ~EventStream() = default;

  /// Queues one event; an empty `id` or `event` leaves that line out, line feeds in `data` are
  /// kept. False once the client has gone, or has just been dropped because it does not read.
  virtual bool Send(std::string_view id, std::string_view event, std::string_view data) = 0;

  /// Ends the stream after what is queued.
  virtual void Close() = 0;
  virtual bool closed() const = 0;

  /// Bytes queued that the client has not taken yet: whoever has much to send waits while this is
  /// high.
  virtual std::size_t pending() const { return 0; }

  /// `listener` is called once when the stream has ended for whatever reason, on a thread of the
  /// server, or here if it has ended already.  It must not block.
  virtual void OnClosed(std::function<void()> listener) = 0;
};

class Responder {  // Threads: any.
 public:
  virtual ~Responder() = default;

  /// Answers.  The first of Send, Refuse and Stream counts, later ones are ignored; a responder
  /// dropped without an answer answers 500.  HEAD: the body is left out, its length is not.
  virtual void Send(HttpResponse response) = 0;

  /// Answers with a problem.  401 gets a WWW-Authenticate that fits what the request carried.
  virtual void Refuse(Problem problem) = 0;

  /// Answers 200 text/event-stream.  Null if there is an answer already, the client is gone or the
  /// server is stopping; the request is then done with.
  virtual std::shared_ptr<EventStream> Stream() = 0;
};

/// Runs on a thread of the server and must not block: what takes long is answered later, from
/// elsewhere.
using HttpHandler = std::function<void(HttpRequest request, std::shared_ptr<Responder> responder)>;

}  // namespace reprise::runtime
