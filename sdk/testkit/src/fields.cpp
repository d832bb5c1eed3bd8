// Fields as JSON, and how calls print.
#include <stdexcept>

#include <boost/json.hpp>

#include "call.h"

namespace reprise::testkit {
namespace {

namespace json = boost::json;

json::value ToValue(const Value& value) {
  switch (value.type()) {
    case REPRISE_NULL:
      return nullptr;
    case REPRISE_BOOL:
      return value.Bool();
    case REPRISE_INT:
      return value.Int();
    case REPRISE_REAL:
      return value.Real();
    case REPRISE_JSON:
      return json::parse({value.Text().data(), value.Text().size()});
    default:
      return json::string(value.Text().data(), value.Text().size());
  }
}

Value FromValue(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return {};
    case json::kind::bool_:
      return value.get_bool();
    case json::kind::int64:
      return value.get_int64();
    case json::kind::double_:
      return value.get_double();
    case json::kind::string:
      return std::string(value.get_string().data(), value.get_string().size());
    default:
      return Json{json::serialize(value)};
  }
}

bool Fits(std::int32_t type, const Value& value) {
  switch (type) {
    case REPRISE_TEXT:
    case REPRISE_FIELD_NAME:
      return value.type() == REPRISE_TEXT;
    case REPRISE_INT:
    case REPRISE_DURATION:
      return value.type() == REPRISE_INT;
    case REPRISE_REAL:
      return value.type() == REPRISE_REAL || value.type() == REPRISE_INT;
    case REPRISE_BOOL:
      return value.type() == REPRISE_BOOL;
    default:
      return value.type() == REPRISE_JSON;
  }
}

}  // namespace

std::string ToText(const Fields& fields) {
  json::object object;
  for (const Field& field : fields) object[field.name] = ToValue(field.value);
  return json::serialize(object);
}

Fields FromText(std::string_view text) {
  const json::value value = json::parse({text.data(), text.size()});
  Fields fields;
  for (const auto& member : value.as_object()) {
    fields.Set({member.key().data(), member.key().size()}, FromValue(member.value()));
  }
  return fields;
}

std::string Mismatch(const Fields& fields, reprise_fields_fn declared) {
  std::size_t known = 0;
  for (std::size_t i = 0; const reprise_field_spec* spec = declared(i); ++i) {
    const std::string name(detail::FromAbi(spec->name));
    const Value* value = fields.Find(name);
    if (value == nullptr || value->null()) {
      if (spec->optional == 0) return "the declared field '" + name + "' is missing";
      continue;
    }
    ++known;
    if (!Fits(spec->type, *value))
      return "field '" + name + "' is not of the type it is declared with";
  }
  return known == fields.size() ? std::string() : "there is a field that is not declared";
}

}  // namespace reprise::testkit

namespace reprise {

std::ostream& operator<<(std::ostream& out, const Ran& ran) {
  constexpr std::array kNames{"Done", "Retry", "Later", "Kept", "Fail"};
  out << (ran.crashed ? "crashed" : kNames.at(static_cast<std::size_t>(ran.verdict)));
  if (!ran.code.empty()) out << ' ' << ran.code;
  if (!ran.detail.empty()) out << " \"" << ran.detail << '"';
  if (ran.after > Millis(0)) out << " after " << ran.after.count() << " ms";
  if (!ran.event.empty()) out << " emitted " << ran.event << ' ' << testkit::ToText(ran.added);
  if (!ran.memo.empty()) out << " memo " << ran.memo;
  return out;
}

std::ostream& operator<<(std::ostream& out, const Asked& asked) {
  if (asked.added()) return out << "added " << testkit::ToText(asked.fields);
  if (asked.refused())
    return out << "refused " << asked.http << ' ' << asked.code << " \"" << asked.detail << '"';
  return out << "replied " << asked.http << ' ' << asked.body;
}

}  // namespace reprise
