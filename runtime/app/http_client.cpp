#include "app/http_client.h"

#include <algorithm>
#include <memory>

#include <curl/curl.h>

namespace reprise::runtime {
namespace {

constexpr std::size_t kBodyMax = 256U << 20;

struct CurlCleanup {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Handle = std::unique_ptr<CURL, CurlCleanup>;
using CurlHeaders = std::unique_ptr<curl_slist, CurlCleanup>;

std::size_t TakeBody(char* bytes, std::size_t size, std::size_t count, void* into) {
  auto& body = *static_cast<std::string*>(into);
  if (body.size() + size * count > kBodyMax) return 0;
  body.append(bytes, size * count);
  return size * count;
}

void AddHeader(CurlHeaders& headers, const std::string& line) {
  if (curl_slist* longer = curl_slist_append(headers.get(), line.c_str())) {
    static_cast<void>(headers.release());
    headers.reset(longer);
  }
}

// A proxy of the environment cannot reach this machine's own loopback.
bool IsLoopback(const std::string& url) {
  const std::size_t slashes = url.find("://");
  const std::string rest = slashes == std::string::npos ? url : url.substr(slashes + 3);
  return rest.starts_with("127.") || rest.starts_with("localhost") || rest.starts_with("[::1]");
}

std::string Encode(const std::string& text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool kept = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      std::string_view("-._~").find(c) != std::string_view::npos;
    if (kept) {
      out += c;
    } else {
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

Handle NewHandle() {
  static const bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return Handle(ready ? curl_easy_init() : nullptr);
}

}  // namespace

Result<HttpAnswer> Fetch(const HttpCall& call) {
  const Handle curl = NewHandle();
  if (!curl) return Error{Code::kInternal, "libcurl does not start"};
  HttpAnswer answer;
  CurlHeaders headers;
  AddHeader(headers, "Expect:");  // no round trip before a body
  AddHeader(headers, "Accept: application/json, text/plain, */*");
  if (!call.bearer.empty()) AddHeader(headers, "Authorization: Bearer " + call.bearer);
  if (!call.idempotency_key.empty()) {
    AddHeader(headers, "Idempotency-Key: \"" + call.idempotency_key + "\"");
  }
  if (call.method != "GET") AddHeader(headers, "Content-Type: " + call.content_type);

  char reason[CURL_ERROR_SIZE] = {};
  curl_easy_setopt(curl.get(), CURLOPT_URL, call.url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, reason);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, TakeBody);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &answer.body);
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT_MS, 5000L);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(call.patience.count()));
  if (IsLoopback(call.url)) curl_easy_setopt(curl.get(), CURLOPT_PROXY, "");
  if (call.method != "GET") {
    curl_easy_setopt(curl.get(), CURLOPT_CUSTOMREQUEST, call.method.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, call.body.data());
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(call.body.size()));
  }
  const CURLcode code = curl_easy_perform(curl.get());
  if (code != CURLE_OK &&
      !(code == CURLE_OPERATION_TIMEDOUT && call.keep_partial && !answer.body.empty())) {
    const bool usage = code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL;
    return Error{usage ? Code::kInvalid : Code::kUnavailable,
                 reason[0] != '\0' ? reason : curl_easy_strerror(code)};
  }
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<int>(status);
  const char* type = nullptr;
  if (curl_easy_getinfo(curl.get(), CURLINFO_CONTENT_TYPE, &type) == CURLE_OK && type != nullptr) {
    answer.content_type = type;
  }
  curl_off_t wait_s = 0;
  if (curl_easy_getinfo(curl.get(), CURLINFO_RETRY_AFTER, &wait_s) == CURLE_OK && wait_s > 0) {
    answer.retry_after_s = static_cast<int>(std::min<curl_off_t>(wait_s, 3600));
  }
  return answer;
}

std::string MakeUrl(const std::string& server, const std::vector<std::string>& path,
                    const std::vector<std::pair<std::string, std::string>>& query) {
  std::string url = server.substr(0, server.find_last_not_of('/') + 1);
  for (const std::string& segment : path) url += "/" + Encode(segment);
  char sign = '?';
  for (const auto& [name, value] : query) {
    url += sign + Encode(name) + "=" + Encode(value);
    sign = '&';
  }
  return url;
}

}  // namespace reprise::runtime
