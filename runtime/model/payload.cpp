#include "model/payload.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <set>
#include <vector>

#include <boost/json/basic_parser_impl.hpp>

namespace reprise::runtime {
namespace {

constexpr std::size_t kDepthMax = 32;

Error Invalid(std::string message) {
  return Error{Code::kInvalid, std::move(message)};
}

/// Builds a value on a stack, as Boost's own handler does, and refuses what that one lets through.
/// Keys are only counted: fewer members than keys in the finished object means a duplicate.
struct Builder {
  static constexpr std::size_t max_object_size = json::object::max_size();
  static constexpr std::size_t max_array_size = json::array::max_size();
  static constexpr std::size_t max_key_size = json::string::max_size();
  static constexpr std::size_t max_string_size = json::string::max_size();

  Builder(unsigned char* buffer, std::size_t size) : stack(json::storage_ptr(), buffer, size) {
    stack.reset();
  }

  bool Refuse(const char* why, json::error_code& ec) {
    refusal = why;
    ec = json::error::syntax;
    return false;
  }
  bool Clean(json::string_view s, json::error_code& ec) {
    if (s.empty() || std::memchr(s.data(), 0, s.size()) == nullptr) return true;
    return Refuse("a string holds a NUL character", ec);
  }

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code&) { return true; }
  bool on_object_end(std::size_t n, json::error_code&) {
    stack.push_object(n);
    return true;
  }
  bool on_array_begin(json::error_code&) { return true; }
  bool on_array_end(std::size_t n, json::error_code&) {
    stack.push_array(n);
    return true;
  }
  bool on_key_part(json::string_view s, std::size_t, json::error_code& ec) {
    stack.push_chars(s);
    return Clean(s, ec);
  }
  bool on_key(json::string_view s, std::size_t, json::error_code& ec) {
    ++keys;
    stack.push_key(s);
    return Clean(s, ec);
  }
  bool on_string_part(json::string_view s, std::size_t, json::error_code& ec) {
    stack.push_chars(s);
    return Clean(s, ec);
  }
  bool on_string(json::string_view s, std::size_t, json::error_code& ec) {
    stack.push_string(s);
    return Clean(s, ec);
  }
  bool on_number_part(json::string_view, json::error_code&) { return true; }
  bool on_int64(std::int64_t i, json::string_view, json::error_code&) {
    stack.push_int64(i);
    return true;
  }
  bool on_uint64(std::uint64_t u, json::string_view, json::error_code&) {
    stack.push_uint64(u);
    return true;
  }
  // Boost 1.81 rounds some decimals to a neighbour, so the digits are read again: what is written
  // out must come back as the same number.
  bool on_double(double, json::string_view s, json::error_code& ec) {
    if (s.find_first_of(".eE") == json::string_view::npos)
      return Refuse("an integer needs more than 64 bits", ec);
    double exact = 0;
    const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), exact);
    if (error == std::errc::result_out_of_range && Tiny(s)) {
      exact = 0;
    } else if (error != std::errc() || end != s.data() + s.size() || !std::isfinite(exact)) {
      return Refuse("a number is out of range", ec);
    }
    stack.push_double(exact);
    return true;
  }
  bool on_bool(bool b, json::error_code&) {
    stack.push_bool(b);
    return true;
  }
  bool on_null(json::error_code&) {
    stack.push_null();
    return true;
  }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

  /// from_chars calls both 1e400 and 1e-400 out of range; the second is zero.
  static bool Tiny(json::string_view s) {
    const auto e = s.find_first_of("eE");
    return e == json::string_view::npos || (e + 1 < s.size() && s[e + 1] == '-');
  }

  json::value_stack stack;
  std::size_t keys = 0;
  const char* refusal = nullptr;
};

std::size_t Members(const json::value& value) {
  std::size_t count = 0;
  if (const json::object* object = value.if_object()) {
    count = object->size();
    for (const auto& member : *object) count += Members(member.value());
  } else if (const json::array* array = value.if_array()) {
    for (const json::value& element : *array) count += Members(element);
  }
  return count;
}

}  // namespace

Payload::Payload() {
  static const auto empty = std::make_shared<const json::object>();
  object_ = empty;
}

std::string Payload::Text(std::string_view field) const {
  const json::value* value = Find(field);
  if (value == nullptr) return {};
  if (const json::string* text = value->if_string()) return std::string(text->data(), text->size());
  if (const std::int64_t* i = value->if_int64()) return std::to_string(*i);
  if (const std::uint64_t* u = value->if_uint64()) return std::to_string(*u);
  return {};
}

Payload Payload::With(const json::object& added) const {
  if (added.empty()) return *this;
  json::object sum;
  sum.reserve(object_->size() + added.size());
  for (const auto& member : *object_) {
    const json::value* newer = added.if_contains(member.key());
    sum.emplace(member.key(), newer == nullptr ? member.value() : *newer);
  }
  for (const auto& member : added) sum.emplace(member.key(), member.value());
  return Payload(std::move(sum));
}

json::object Payload::Since(const Payload& base) const {
  json::object added;
  if (base.object_ == object_) return added;
  for (const auto& member : *object_) {
    const json::value* old = base.object_->if_contains(member.key());
    if (old == nullptr || *old != member.value()) added.emplace(member.key(), member.value());
  }
  return added;
}

std::string Payload::Serialize() const {
  return json::serialize(*object_);
}

Result<Payload> Payload::Parse(std::string_view text) try {
  json::parse_options options;
  options.max_depth = kDepthMax;
  unsigned char buffer[2048];
  json::basic_parser<Builder> parser(options, buffer, sizeof(buffer));
  json::error_code ec;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), ec);
  const Builder& builder = parser.handler();
  if (builder.refusal != nullptr) return Invalid(builder.refusal);
  if (ec == json::error::too_deep) return Invalid("JSON is nested deeper than 32");
  if (ec) return Invalid("not valid JSON at byte " + std::to_string(used) + ": " + ec.message());
  if (used != text.size())
    return Invalid("not valid JSON: more follows at byte " + std::to_string(used));
  json::value value = parser.handler().stack.release();
  if (!value.is_object()) return Invalid("not a JSON object");
  if (Members(value) != builder.keys) return Invalid("a key occurs twice in one object");
  return Payload(std::move(value.get_object()));
} catch (const std::exception& e) {  // bad_alloc, length_error
  return Error{Code::kExhausted, std::string("JSON: ") + e.what()};
}

}  // namespace reprise::runtime
