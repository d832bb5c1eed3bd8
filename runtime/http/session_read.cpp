/// How a session reads requests.
#include <algorithm>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "http/head_check.h"
#include "http/problem.h"
#include "http/session.h"
#include "http/target.h"
#include "http/text.h"

namespace reprise::runtime {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

struct Session::Parser : http::request_parser<http::string_body> {};

namespace {

constexpr std::size_t kHeadRead = 2 * 1024;
constexpr std::size_t kBodyRead = 16 * 1024;

Problem ParseProblem(const error_code& ec, const HttpOptions& options) {
  if (ec == http::error::body_limit) {
    return MakeProblem(
        413, "http.body_too_large",
        "the body is larger than " + std::to_string(options.body_bytes_max) + " bytes");
  }
  return MakeProblem(400, "http.bad_request", ec.message());
}

bool HasBareLf(std::string_view text) {
  for (std::size_t at = text.find('\n'); at != std::string_view::npos;
       at = text.find('\n', at + 1)) {
    if (at == 0 || text[at - 1] != '\r') return true;
  }
  return false;
}

}  // namespace

Session::Whether Session::ServeOne(bool first) {
  Parser parser;
  Asked in;
  if (!co_await ReadHead(first, parser, in)) co_return false;
  if (!co_await ReadBody(parser, in)) co_return false;
  in.request.body = std::move(parser.get().body());
  in.request.remote = remote_;
  const bool keep_alive = co_await Answer(in);
  if (in_.empty()) in_.shrink_to_fit();  // an idle connection costs little
  co_return keep_alive;
}

Session::Whether Session::ReadHead(bool first, Parser& parser, Asked& in) {
  const HttpOptions& options = core_->options;
  Arm(first ? options.head_deadline : options.idle_deadline);
  bool head_armed = first;
  idle_ = true;
  std::size_t end = std::string::npos;
  for (;;) {
    while (in_.starts_with("\r\n")) in_.erase(0, 2);
    end = in_.find("\r\n\r\n");
    if (std::min(end, in_.size()) > options.head_bytes_max) {
      co_await Refuse(MakeProblem(431, "http.head_too_large",
                                  "the request line and headers exceed " +
                                      std::to_string(options.head_bytes_max) + " bytes"));
      co_return false;
    }
    if (end != std::string::npos) break;
    if (HasBareLf(in_)) {
      co_await Refuse(MakeProblem(400, "http.bad_request", "a bare LF in the head"));
      co_return false;
    }
    idle_ = in_.empty();
    if (idle_ && core_->draining) co_return false;
    if (!idle_ && !std::exchange(head_armed, true)) Arm(options.head_deadline);
    if (co_await ReadSome(kHeadRead)) continue;
    if (timed_out_ && !in_.empty()) {
      co_await Refuse(MakeProblem(408, "http.timeout", "the head of the request took too long"));
    }
    co_return false;
  }
  idle_ = false;
  Disarm();
  const std::string head = in_.substr(0, end + 4);
  in_.erase(0, end + 4);
  std::optional<Problem> problem = ParseHead(head, parser, in);
  if (problem) co_await Refuse(std::move(*problem), in.framing.head_only);
  co_return !problem;
}

std::optional<Problem> Session::ParseHead(const std::string& head, Parser& parser, Asked& in) {
  const HttpOptions& options = core_->options;
  if (const auto fault = CheckHead(head)) {
    return MakeProblem(fault->status, fault->code, fault->detail);
  }
  parser.header_limit(static_cast<std::uint32_t>(2 * head.size() + 1024));  // checked already
  parser.body_limit(options.body_bytes_max);
  error_code ec;
  parser.put(asio::buffer(head), ec);
  if (ec && ec != http::error::need_more) return ParseProblem(ec, options);
  if (!parser.is_header_done()) return MakeProblem(400, "http.bad_request", "a bad head");
  const auto& message = parser.get();
  in.request.method = std::string(message.method_string());
  in.framing.head_only = in.request.method == "HEAD";
  in.framing.http10 = message.version() == 10;
  in.keep_alive = parser.keep_alive();
  for (const auto& field : message) {
    in.request.headers.emplace_back(Lower(std::string_view(field.name_string())),
                                    std::string(field.value()));
  }
  if (const auto expect = in.request.Header("expect")) {
    if (Lower(*expect) != "100-continue") {
      return MakeProblem(417, "http.expectation", "the only expectation met is 100-continue");
    }
    in.wants_continue = !in.framing.http10;
  }
  in.about_server = in.request.method == "OPTIONS" && message.target() == "*";
  auto target =
      ParseTarget(in.about_server ? std::string_view("/") : std::string_view(message.target()));
  if (!target) return MakeProblem(400, "http.bad_target", target.error().message);
  in.request.path = std::move(target->path);
  in.request.segments = std::move(target->segments);
  in.request.query = std::move(target->query);
  return std::nullopt;
}

Session::Whether Session::ReadBody(Parser& parser, Asked& in) {
  const HttpOptions& options = core_->options;
  parser.eager(true);
  if (parser.is_done()) co_return true;
  Arm(options.body_deadline);
  if (in.wants_continue && in_.empty() && !co_await Write("HTTP/1.1 100 Continue\r\n\r\n")) {
    co_return false;
  }
  for (;;) {
    if (!in_.empty()) {
      error_code ec;
      in_.erase(0, parser.put(asio::buffer(in_), ec));
      if (ec && ec != http::error::need_more) {
        co_await Refuse(ParseProblem(ec, options), in.framing.head_only);
        co_return false;
      }
    }
    if (parser.is_done()) break;
    if (in_.size() > options.head_bytes_max) {  // a chunk's line or the trailer
      co_await Refuse(MakeProblem(400, "http.bad_request", "a chunk's head is too long"));
      co_return false;
    }
    if (co_await ReadSome(kBodyRead)) continue;
    if (timed_out_) {
      co_await Refuse(MakeProblem(408, "http.timeout", "the body of the request took too long"));
    }
    co_return false;
  }
  Disarm();
  co_return true;
}

Session::Whether Session::ReadSome(std::size_t bytes) {
  if (timed_out_ || cut_) co_return false;
  const std::size_t before = in_.size();
  in_.resize(before + bytes);
  error_code ec;
  const std::size_t read = co_await socket_.async_read_some(
      asio::buffer(in_.data() + before, bytes), asio::redirect_error(asio::use_awaitable, ec));
  in_.resize(before + read);
  // Cut while what came was on its way here: nobody would get the answer, so nothing is begun.
  co_return !ec && !cut_;
}

}  // namespace reprise::runtime
