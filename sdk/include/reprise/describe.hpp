/// Structs that describe themselves once: payloads, settings, what events add, what questions
/// answer.
///
///   struct HoldIn {
///     std::string seatId;
///     std::int64_t price = 0;
///     static void Describe(auto& d) {
///       d("seatId", &HoldIn::seatId, "which seat");
///       d("price", &HoldIn::price, "in won").Min(0);
///     }
///   };
///
/// Types: std::string, std::int64_t, double, bool, std::chrono durations, FieldName, Json,
/// std::optional<T>. A payload's field must be there unless it is std::optional.  A setting's
/// initializer is its default;
/// `.Required()` says there is none.  Parsing, bounds, lint, JSON Schema and reference pages come
/// from this.
#pragma once

#include <deque>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <reprise/value.hpp>

namespace reprise {

/// No fields.
struct Nothing {
  static void Describe(auto&) {}
};

namespace detail {

/// What `d(...)` gives back when nobody wants to know more.
struct Unedited {
  template <class T>
  Unedited Min(T) const {
    return *this;
  }
  template <class T>
  Unedited Max(T) const {
    return *this;
  }
  Unedited Secret() const { return *this; }
  Unedited Required() const { return *this; }
  Unedited Array() const { return *this; }
};

struct Nobody {
  template <class T, class S>
  Unedited operator()(std::string_view, T S::*, std::string_view = {}) {
    return {};
  }
};

template <class T>
struct Unwrapped {
  using Type = T;
};
template <class T>
struct Unwrapped<std::optional<T>> {
  using Type = T;
};

template <class T>
constexpr std::int32_t SpecType() {
  if constexpr (kIsOptional<T>)
    return SpecType<typename Unwrapped<T>::Type>();
  else if constexpr (std::same_as<T, std::string>)
    return REPRISE_TEXT;
  else if constexpr (std::same_as<T, std::int64_t>)
    return REPRISE_INT;
  else if constexpr (std::same_as<T, double>)
    return REPRISE_REAL;
  else if constexpr (std::same_as<T, bool>)
    return REPRISE_BOOL;
  else if constexpr (kIsDuration<T>)
    return REPRISE_DURATION;
  else if constexpr (std::same_as<T, FieldName>)
    return REPRISE_FIELD_NAME;
  else if constexpr (std::same_as<T, Json>)
    return REPRISE_OBJECT;
  else
    static_assert(!sizeof(T),
                  "a field is std::string, std::int64_t, double, bool, a duration, FieldName, "
                  "Json or std::optional of one of these");
}

/// The form in which defaults and bounds are written: 300000, 1.5, true, as it is.
template <class T>
std::string Canonical(const T& value) {
  if constexpr (std::same_as<T, std::string>)
    return value;
  else if constexpr (std::same_as<T, FieldName>)
    return value.name;
  else if constexpr (std::same_as<T, Json>)
    return value.text;
  else if constexpr (std::same_as<T, bool>)
    return value ? "true" : "false";
  else if constexpr (kIsDuration<T>)
    return std::to_string(std::chrono::duration_cast<Millis>(value).count());
  else if constexpr (std::same_as<T, double>) {
    std::string text = std::to_string(value);  // six digits: plenty for a bound
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text += '0';
    return text;
  } else
    return std::to_string(value);
}

}  // namespace detail

template <class T>
concept Described = requires(detail::Nobody& d) {
  T::Describe(d);
};

namespace detail {

enum class Use { kPayload, kSettings };

struct Spec {
  std::string default_text, min_text, max_text;
  reprise_field_spec abi{};
  bool has_default = false;
};

template <class T>
class SpecEditor {
 public:
  using Inner = typename Unwrapped<T>::Type;
  explicit SpecEditor(Spec& spec) : spec_(spec) {}
  SpecEditor& Min(Inner bound) {
    return spec_.min_text = Canonical(bound), spec_.abi.min_text = ToAbi(spec_.min_text), *this;
  }
  SpecEditor& Max(Inner bound) {
    return spec_.max_text = Canonical(bound), spec_.abi.max_text = ToAbi(spec_.max_text), *this;
  }
  SpecEditor& Secret() { return spec_.abi.secret = 1, *this; }
  SpecEditor& Array() { return spec_.abi.type = REPRISE_ARRAY, *this; }
  SpecEditor& Required() {
    spec_.abi.optional = 0;
    spec_.abi.default_text = {nullptr, 0};
    return *this;
  }

 private:
  Spec& spec_;
};

/// Collects the specs of a struct.
template <class Object>
class SpecVisitor {
 public:
  SpecVisitor(Use use, std::deque<Spec>& specs) : use_(use), specs_(specs) {}

  template <class T, class S>
  SpecEditor<T> operator()(std::string_view name, T S::*member, std::string_view doc = {}) {
    Spec& spec = specs_.emplace_back();
    spec.abi.size = sizeof(reprise_field_spec);
    spec.abi.type = SpecType<T>();
    spec.abi.name = ToAbi(name);
    spec.abi.doc = ToAbi(doc);
    spec.abi.optional = kIsOptional<T> || use_ == Use::kSettings ? 1 : 0;
    if constexpr (!kIsOptional<T>) {
      spec.default_text = Canonical(defaults_.*member);
      const bool unset =
          spec.default_text.empty() && !std::same_as<T, std::string>;  // Json, FieldName
      if (use_ == Use::kSettings && !unset) spec.abi.default_text = ToAbi(spec.default_text);
    }
    return SpecEditor<T>(spec);
  }

 private:
  const Use use_;
  const Object defaults_{};
  std::deque<Spec>& specs_;
};

template <Described T, Use kUse>
const std::deque<Spec>& SpecsOf() {
  static const std::deque<Spec> all = [] {
    std::deque<Spec> specs;
    SpecVisitor<T> visitor(kUse, specs);
    T::Describe(visitor);
    return specs;
  }();
  return all;
}

template <Described T, Use kUse>
const reprise_field_spec* SpecAt(std::size_t index) {
  const std::deque<Spec>& specs = SpecsOf<T, kUse>();
  return index < specs.size() ? &specs[index].abi : nullptr;
}

template <class T>
bool Convert(const reprise_value& from, T& to) {
  if constexpr (kIsOptional<T>) {
    typename Unwrapped<T>::Type inner{};
    if (!Convert(from, inner)) return false;
    to = std::move(inner);
    return true;
  } else if constexpr (std::same_as<T, std::string> || std::same_as<T, FieldName>) {
    if (from.type != REPRISE_TEXT) return false;
    const std::string_view text = FromAbi(from.as.text);
    if constexpr (std::same_as<T, FieldName>)
      to.name = text;
    else
      to = text;
    return true;
  } else if constexpr (std::same_as<T, Json>) {
    if (from.type != REPRISE_JSON) return false;
    to.text = FromAbi(from.as.text);
    return true;
  } else if constexpr (std::same_as<T, double>) {
    if (from.type != REPRISE_REAL && from.type != REPRISE_INT) return false;
    to = from.type == REPRISE_REAL ? from.as.real : static_cast<double>(from.as.integer);
    return true;
  } else if constexpr (std::same_as<T, bool>) {
    if (from.type != REPRISE_BOOL) return false;
    to = from.as.integer != 0;
    return true;
  } else if constexpr (kIsDuration<T>) {
    if (from.type != REPRISE_INT && from.type != REPRISE_DURATION) return false;
    to = std::chrono::duration_cast<T>(Millis(from.as.integer));
    return std::chrono::duration_cast<Millis>(to).count() ==
           from.as.integer;  // a whole number of units
  } else {
    if (from.type != REPRISE_INT) return false;
    to = from.as.integer;
    return true;
  }
}

/// Reads a struct field by field; remembers the first thing that is wrong.
/// Source: (name, index, out) -> code; REPRISE_NOT_FOUND or a null value: absent.
template <class Object, class Source>
class FieldReader {
 public:
  template <class T>
  class Editor {
   public:
    using Inner = typename Unwrapped<T>::Type;
    Editor(FieldReader& reader, std::string_view name, const T* value)
        : reader_(reader), name_(name), value_(value) {}
    Editor& Min(Inner bound) {
      return Check(bound, "below", [](const Inner& a, const Inner& b) { return a < b; });
    }
    Editor& Max(Inner bound) {
      return Check(bound, "above", [](const Inner& a, const Inner& b) { return b < a; });
    }
    Editor& Secret() { return *this; }
    Editor& Array() { return *this; }
    Editor& Required() {
      if (value_ == nullptr) reader_.Missing(name_, SpecType<T>());
      return *this;
    }

   private:
    template <class Wrong>
    Editor& Check(const Inner& bound, std::string_view how, Wrong wrong) {
      if (value_ == nullptr) return *this;
      const Inner* value = nullptr;
      if constexpr (kIsOptional<T>)
        value = &**value_;
      else
        value = value_;
      if (wrong(*value, bound)) {
        reader_.Problem("'" + std::string(name_) + "' is " + Canonical(*value) + ", " +
                        std::string(how) + " " + Canonical(bound));
      }
      return *this;
    }

    FieldReader& reader_;
    std::string_view name_;
    const T* value_;  // null: absent
  };

  FieldReader(Object& object, Source source, bool may_lack)
      : object_(object), source_(source), may_lack_(may_lack) {}

  template <class T, class S>
  Editor<T> operator()(std::string_view name, T S::*member, std::string_view = {}) {
    reprise_value value = NullValue();
    const reprise_status status = source_(name, index_++, value);
    if (status.code != REPRISE_OK && status.code != REPRISE_NOT_FOUND) {
      if (error_.ok()) error_ = FromAbi(status);
      return Editor<T>(*this, name, nullptr);
    }
    if (status.code == REPRISE_NOT_FOUND || value.type == REPRISE_NULL) {
      if (!kIsOptional<T> && !may_lack_) Missing(name, SpecType<T>());
      return Editor<T>(*this, name, nullptr);
    }
    if (!Convert(value, object_.*member)) {
      Problem("'" + std::string(name) + "' must be " + std::string(TypeName(SpecType<T>())) +
              ", it is " + std::string(TypeName(value.type)));
      return Editor<T>(*this, name, nullptr);
    }
    return Editor<T>(*this, name, &(object_.*member));
  }

  Status Finish() && { return std::move(error_); }

  void Missing(std::string_view name, std::int32_t type) {
    Problem("'" + std::string(name) + "' (" + std::string(TypeName(type)) + ") is missing");
  }
  void Problem(std::string text) {
    if (error_.ok()) error_ = Error{Code::kInvalid, std::move(text)};
  }

 private:
  Object& object_;
  Source source_;
  const bool may_lack_;
  std::size_t index_ = 0;
  Status error_;
};

/// kInvalid: a field is missing, ill-typed or out of bounds; other codes: the host's.
template <Described T, class Source>
Status Read(T& object, Source source, bool may_lack) {
  FieldReader<T, Source> reader(object, source, may_lack);
  T::Describe(reader);
  return std::move(reader).Finish();
}

/// Writes a struct as borrowed fields; an empty optional is left out.
template <class Object>
class FieldWriter {
 public:
  explicit FieldWriter(const Object& object) : object_(object) {}

  template <class T, class S>
  Unedited operator()(std::string_view name, T S::*member, std::string_view = {}) {
    const reprise_value value = ValueOf(object_.*member);
    if (value.type != REPRISE_NULL) fields_.push_back({ToAbi(name), value});
    return {};
  }
  std::vector<reprise_field> Take() && { return std::move(fields_); }

 private:
  const Object& object_;
  std::vector<reprise_field> fields_;
};

template <Described T>
std::vector<reprise_field> FieldsOf(const T& object) {
  FieldWriter<T> writer(object);
  T::Describe(writer);
  return std::move(writer).Take();
}

/// Values in the order of the specs, null where absent: how settings cross the edge.
template <class Object>
class ValueWriter {
 public:
  explicit ValueWriter(const Object& object) : object_(object) {}

  template <class T, class S>
  Unedited operator()(std::string_view, T S::*member, std::string_view = {}) {
    reprise_value value = ValueOf(object_.*member);
    if constexpr (std::same_as<T, Json>) {
      if ((object_.*member).text.empty()) value = NullValue();
    }
    values_.push_back(value);
    return {};
  }
  std::vector<reprise_value> Take() && { return std::move(values_); }

 private:
  const Object& object_;
  std::vector<reprise_value> values_;
};

template <Described T>
std::vector<reprise_value> ValuesOf(const T& object) {
  ValueWriter<T> writer(object);
  T::Describe(writer);
  return std::move(writer).Take();
}

}  // namespace detail

/// Named values, owned: `Fields{{"seatId", "A-1"}, {"amount", 5}}`, or a struct that describes
/// itself.
class Fields {
 public:
  Fields() = default;
  Fields(std::initializer_list<Field> fields) : fields_(fields) {}
  template <Described T>
  Fields(const T& object) {  // NOLINT: implicit on purpose
    for (const reprise_field& field : detail::FieldsOf(object)) {
      fields_.push_back({std::string(detail::FromAbi(field.name)), Value::Copy(field.value)});
    }
  }

  /// Adds or replaces.
  Fields& Set(std::string_view name, Value value) {
    for (Field& field : fields_) {
      if (field.name == name) return field.value = std::move(value), *this;
    }
    fields_.push_back({std::string(name), std::move(value)});
    return *this;
  }

  const Value* Find(std::string_view name) const {
    for (const Field& field : fields_) {
      if (field.name == name) return &field.value;
    }
    return nullptr;
  }
  bool Has(std::string_view name) const { return Find(name) != nullptr; }
  /// These throw std::runtime_error when there is no such field, or it is of another type.
  std::int64_t Int(std::string_view name) const { return Get(name).Int(); }
  double Real(std::string_view name) const { return Get(name).Real(); }
  bool Bool(std::string_view name) const { return Get(name).Bool(); }
  std::string Text(std::string_view name) const { return std::string(Get(name).Text()); }

  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }
  std::size_t size() const { return fields_.size(); }
  bool empty() const { return fields_.empty(); }

  /// Borrowed from these fields.
  std::vector<reprise_field> abi() const {
    std::vector<reprise_field> fields;
    fields.reserve(fields_.size());
    for (const Field& field : fields_)
      fields.push_back({detail::ToAbi(field.name), field.value.abi()});
    return fields;
  }

 private:
  const Value& Get(std::string_view name) const {
    if (const Value* value = Find(name)) return *value;
    throw std::runtime_error("there is no field '" + std::string(name) + "'");
  }

  std::vector<Field> fields_;
};

}  // namespace reprise
