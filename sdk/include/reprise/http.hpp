/// HTTP out, for external actions.  Link reprise::http (libcurl).
///
///   HttpReply reply = Http(ctx, settings().url).Bearer(settings().token).Post("/v1/pages", body);
///   if (!reply.ok()) return reply.verdict;
///
/// Ends by the attempt's deadline and when the attempt is cancelled.  Reaches only the host of the
/// base URL and follows no redirects.  POST and PATCH carry `Idempotency-Key`, the same whenever
/// the step tries again; a second one by the same Http gets ".2" after it.  Bodies above 1 MiB are
/// refused.
///
/// Verdicts: 2xx Done; 429 and 503 Retry after Retry-After; 408, 425, other 5xx, no connection and
/// timeouts Retry; every other status Fail("http_refused").
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <curl/curl.h>

#include <reprise/context.hpp>
#include <reprise/outcome.hpp>

namespace reprise {

struct HttpReply {
  int status = 0;  // 0: no answer came
  std::string body;
  Outcome verdict;
  bool ok() const { return verdict.verdict == Outcome::kDone; }
};

class Http {  // Threads: that of the context.
 public:
  static constexpr std::size_t kBodyBytesMax = std::size_t{1} << 20;

  /// `base_url`: scheme, host and perhaps a port and a path; `ctx` must outlive this.
  Http(Context& ctx, std::string_view base_url) : ctx_(ctx), base_(base_url) {
    while (!base_.empty() && base_.back() == '/') base_.pop_back();
  }

  Http& Header(std::string_view name, std::string_view value) {
    headers_.push_back(std::string(name) + ": " + std::string(value));
    return *this;
  }
  Http& Bearer(std::string_view token) {
    return Header("Authorization", "Bearer " + std::string(token));
  }
  Http& Basic(std::string_view user, std::string_view password) {
    user_ = std::string(user) + ":" + std::string(password);
    return *this;
  }

  /// Another Idempotency-Key than the step's own: Undo, under do_key(), learns what Do's call came
  /// to.
  Http& Key(std::string_view key) {
    key_ = key;
    return *this;
  }

  HttpReply Get(std::string_view path) { return Call("GET", path, nullptr); }
  HttpReply Post(std::string_view path, const Json& body) { return Call("POST", path, &body.text); }
  HttpReply Patch(std::string_view path, const Json& body) {
    return Call("PATCH", path, &body.text);
  }

 private:
  struct Transfer {
    const Context& ctx;
    std::string body;
    bool too_large = false;
  };
  using Easy = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
  using List = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

  static std::size_t Receive(char* data, std::size_t, std::size_t n, void* self) {
    auto* transfer = static_cast<Transfer*>(self);
    transfer->too_large = transfer->body.size() + n > kBodyBytesMax;
    if (transfer->too_large) return 0;
    transfer->body.append(data, n);
    return n;
  }
  static int Progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<Transfer*>(self)->ctx.Cancelled() ? 1 : 0;
  }

  static bool Clean(std::string_view text) {
    for (const char c : text) {
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
    }
    return true;
  }

  /// Empty: may be called.
  std::string Objection(std::string_view path) const {
    const std::size_t host = base_.starts_with("https://")  ? 8
                             : base_.starts_with("http://") ? 7
                                                            : 0;
    if (host == 0 || base_.size() == host) return "'" + base_ + "' is no http or https URL";
    if (base_.find_first_of("@?# \\", host) != std::string::npos || !Clean(base_))
      return "the base URL is malformed";
    if (!path.starts_with('/') || path.find(' ') != std::string_view::npos || !Clean(path))
      return "the path is malformed";
    if (!Clean(key_)) return "the idempotency key has control characters";
    for (const std::string& header : headers_) {
      if (!Clean(header)) return "a header has control characters";
    }
    return {};
  }

  bool Loopback() const {
    const std::string_view host = std::string_view(base_).substr(base_.find("://") + 3);
    return host.starts_with("127.") || host.starts_with("localhost") || host.starts_with("[::1]");
  }

  HttpReply Call(const char* method, std::string_view path, const std::string* body) {
    HttpReply reply;
    if (const std::string objection = Objection(path); !objection.empty()) {
      reply.verdict = Fail("http_refused", objection);
      return reply;
    }
    const Easy easy(curl_easy_init(), &curl_easy_cleanup);
    const Millis left = ctx_.Remaining();
    if (!easy || left <= Millis(0)) {
      reply.verdict = easy ? Retry("timeout", "no time left for the call")
                           : Retry("unavailable", "no HTTP handle");
      return reply;
    }
    Transfer transfer{ctx_, {}};
    const List headers =
        Prepare(easy.get(), method, base_ + std::string(path), body, left, transfer);
    const CURLcode code = curl_easy_perform(easy.get());
    Judge(easy.get(), code, transfer, reply);
    reply.body = std::move(transfer.body);
    return reply;
  }

  List Prepare(CURL* easy, const char* method, const std::string& url, const std::string* body,
               Millis left, Transfer& transfer) {
    curl_slist* list = nullptr;
    const auto add = [&](const std::string& line) { list = curl_slist_append(list, line.c_str()); };
    for (const std::string& header : headers_) add(header);
    if (body != nullptr) {
      add("Content-Type: application/json");
      add("Expect:");  // no 100-continue round trip
      const std::string again = ++calls_ == 1 ? std::string() : "." + std::to_string(calls_);
      const std::string key = key_.empty() ? std::string(ctx_.idempotency_key()) : key_;
      add("Idempotency-Key: " + key + again);
      curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body->size()));
      curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, body->data());
    }
    if (const std::string_view trace = ctx_.traceparent(); !trace.empty())
      add("traceparent: " + std::string(trace));
    curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(left.count()));
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, &Progress);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Receive);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
    if (Loopback()) curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    if (!user_.empty()) {
      curl_easy_setopt(easy, CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
      curl_easy_setopt(easy, CURLOPT_USERPWD, user_.c_str());
    }
    return List(list, &curl_slist_free_all);
  }

  static void Judge(CURL* easy, CURLcode code, const Transfer& transfer, HttpReply& reply) {
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK) {
      const std::string_view name = transfer.too_large                  ? "reply_too_large"
                                    : code == CURLE_OPERATION_TIMEDOUT  ? "timeout"
                                    : code == CURLE_ABORTED_BY_CALLBACK ? "cancelled"
                                                                        : "unavailable";
      reply.verdict = Retry(name, curl_easy_strerror(code));
      return;
    }
    reply.status = static_cast<int>(status);
    const std::string line = "HTTP " + std::to_string(status) + " " + transfer.body.substr(0, 200);
    if (status >= 200 && status < 300) {
      reply.verdict = Done();
    } else if (status == 429 || status == 503) {
      curl_off_t seconds = 0;
      curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &seconds);
      reply.verdict = Retry("http_" + std::to_string(status), line, Millis(seconds * 1000));
    } else if (status == 408 || status == 425 || status >= 500) {
      reply.verdict = Retry("http_" + std::to_string(status), line);
    } else {
      reply.verdict = Fail("http_refused", line);
    }
  }

  Context& ctx_;
  std::string base_, user_, key_;
  std::vector<std::string> headers_;
  int calls_ = 0;  // POST and PATCH so far
};

}  // namespace reprise
