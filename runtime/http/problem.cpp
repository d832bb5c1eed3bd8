#include "http/problem.h"

#include <algorithm>
#include <utility>

#include <boost/beast/http/status.hpp>
#include <boost/json.hpp>

#include "http/target.h"
#include "http/text.h"

namespace reprise::runtime {
namespace {

namespace json = boost::json;
namespace http = boost::beast::http;

bool Has(const HttpResponse& response, std::string_view name) {
  return std::any_of(response.headers.begin(), response.headers.end(),
                     [&](const auto& header) { return Lower(header.first) == name; });
}

json::array Errors(const Problem& problem) {
  json::array errors;
  for (const FieldProblem& e : problem.errors) {
    errors.push_back(json::object{{"field", e.field}, {"code", e.code}, {"detail", e.detail}});
  }
  return errors;
}

}  // namespace

Problem MakeProblem(int status, std::string_view code, std::string detail) {
  Problem problem;
  problem.status = status;
  problem.code = code;
  problem.detail = std::move(detail);
  return problem;
}

std::string StatusTitle(int status) {
  const auto known = http::int_to_status(static_cast<unsigned>(status));
  if (known == http::status::unknown) return "Status " + std::to_string(status);
  return std::string(std::string_view(http::obsolete_reason(known)));
}

HttpResponse RenderProblem(const Problem& problem, bool token_was_sent) {
  HttpResponse response;
  response.status = problem.status;
  response.content_type = "application/problem+json";
  response.headers = problem.headers;
  json::object body;
  const std::string code = problem.code.empty() ? std::string("internal") : problem.code;
  body["type"] = "/problems/" + PercentEncode(code);
  body["title"] = StatusTitle(problem.status);
  body["status"] = problem.status;
  if (!problem.detail.empty()) body["detail"] = problem.detail;
  if (!problem.instance.empty()) body["instance"] = problem.instance;
  body["code"] = code;
  if (!problem.saga_id.empty()) body["sagaId"] = problem.saga_id;
  if (!problem.trace_id.empty()) body["traceId"] = problem.trace_id;
  if (!problem.errors.empty()) body["errors"] = Errors(problem);
  response.body = json::serialize(body);
  if (problem.status == 401 && !Has(response, "www-authenticate")) {
    response.headers.emplace_back(
        "WWW-Authenticate", token_was_sent ? "Bearer realm=\"reprise\", error=\"invalid_token\""
                                           : "Bearer realm=\"reprise\"");
  }
  const bool try_later = problem.status == 429 || problem.status == 503;
  if (problem.retry_after_s || try_later) {
    response.headers.emplace_back("Retry-After", std::to_string(problem.retry_after_s.value_or(1)));
  }
  return response;
}

}  // namespace reprise::runtime
