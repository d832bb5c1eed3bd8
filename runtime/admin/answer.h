/// What an operator's reading answers: JSON, or a problem with a stable code.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/payload.h"

namespace reprise::runtime {

struct Answer {
  int status = 200;  // of HTTP
  json::object body;
  std::string code, detail;  // a problem, if status >= 400

  bool ok() const { return status >= 200 && status < 400; }  // 0: nobody answered

  static Answer Of(json::object body) { return {200, std::move(body), {}, {}}; }
  static Answer Problem(int status, std::string code, std::string detail) {
    return {status, {}, std::move(code), std::move(detail)};
  }
  static Answer Failed(const Error& error) {
    if (error.code == Code::kNotFound) return Problem(404, "not_found", error.message);
    if (error.code == Code::kInvalid) return Problem(400, "invalid", error.message);
    return Problem(error.transient() ? 503 : 500, error.transient() ? "unavailable" : "internal",
                   error.message);
  }
};

/// The decoded fields of a query, in order.
using Query = std::vector<std::pair<std::string, std::string>>;

}  // namespace reprise::runtime
