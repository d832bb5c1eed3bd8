// A request's parts: its raw head, its target, its headers, and its body against a declared type.
#include "fuzz/fuzz.h"
#include "http/body.h"
#include "http/head_check.h"
#include "http/headers.h"
#include "http/target.h"

namespace {
using namespace reprise::runtime;
using reprise::fuzz::Must;

void AHead(std::string_view head) {
  const auto fault = CheckHead(head);
  if (fault) Must(fault->status >= 400 && !fault->code.empty(), "a refusal has a status and code");
  if (!fault) Must(head.find('\0') == std::string_view::npos, "no NUL passes");
}

void ATarget(std::string_view text) {
  const auto target = ParseTarget(text);
  if (!target) return;
  for (const std::string& segment : target->segments) {
    Must(segment.find('\0') == std::string::npos && IsUtf8(segment), "a segment is text");
    Must(PercentDecode(PercentEncode(segment)) == segment, "a segment comes back as it was");
  }
  for (const auto& [name, value] : target->query) {
    Must(IsUtf8(name) && IsUtf8(value), "a query is text");
  }
}

void SomeHeaders(std::string_view text) {
  const auto key = ParseIdempotencyKey(text);
  if (key) Must(!key->empty() && key->size() <= 255, "a key has 1..255 characters");
  IsBearerToken(text);
  Must(NextTraceparent(text).size() == 55, "a traceparent has 55 characters");
}

const BodyType& Declared() {
  static const BodyType type = [] {
    const auto of = [](BodyType::Kind kind) {
      BodyType made;
      made.kind = kind;
      made.optional = true;
      return made;
    };
    BodyType text = of(BodyType::kString), list = of(BodyType::kArray),
             inner = of(BodyType::kStruct), all = of(BodyType::kStruct);
    text.min = 1, text.max = 8;
    inner.fields = {{"s", text}, {"o", of(BodyType::kObject)}};
    list.element = {inner};
    all.fields = {{"s", text},
                  {"i", of(BodyType::kInteger)},
                  {"n", of(BodyType::kNumber)},
                  {"b", of(BodyType::kBoolean)},
                  {"l", list}};
    return all;
  }();
  return type;
}

void ABody(std::string_view text) {
  HttpRequest request;
  request.method = "POST";
  request.body = text;
  const Decoded decoded = DecodeBody(request, Declared());
  if (decoded.problem) {
    Must(decoded.problem->status == 400, "a wrong body is a 400");
    return;
  }
  // What was accepted is accepted again, and means the same.
  request.body = CanonicalJson(decoded.fields);
  const Decoded again = DecodeBody(request, Declared());
  Must(!again.problem && CanonicalJson(again.fields) == request.body, "a body's fields are JSON");
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto [which, rest] = reprise::fuzz::Choose(data, size, 4);
  (which == 0 ? AHead : which == 1 ? ATarget : which == 2 ? SomeHeaders : ABody)(rest);
  return 0;
}
