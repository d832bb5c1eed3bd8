/// What a step, a reconciliation and a question say.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <reprise/describe.hpp>
#include <reprise/result.hpp>
#include <reprise/time.hpp>

namespace reprise {

/// What Do and Undo answer.  Made by the functions below, or from a Result: transient error ->
/// Retry, other error -> Fail("internal"), no error -> Done.
struct [[nodiscard]] Outcome {
  enum Verdict : std::int32_t {
    kDone = REPRISE_DONE,
    kRetry = REPRISE_RETRY,
    kLater = REPRISE_LATER,
    kKept = REPRISE_KEPT,
    kFail = REPRISE_FAIL,
  };

  Verdict verdict = kDone;
  Millis after{0};
  std::string code, detail, memo;

  Outcome() = default;
  Outcome(Verdict says, Millis wait, std::string_view its_code, std::string_view its_detail,
          std::string_view its_memo = {})
      : verdict(says), after(wait), code(its_code), detail(its_detail), memo(its_memo) {}
  Outcome(const Error& error)  // NOLINT: implicit on purpose
      : verdict(error.transient() ? kRetry : kFail),
        code(error.transient() ? NameOf(error.code) : "internal"),
        detail(error.message) {}
  template <class T>
  Outcome(const Result<T>& result) {  // NOLINT: implicit on purpose
    if (!result.ok()) *this = Outcome(result.error());
  }
};

/// Everything commits.  `memo` is journaled and handed to Undo.
inline Outcome Done(std::string_view memo = {}) {
  return {Outcome::kDone, {}, {}, {}, memo};
}
/// Nothing commits; counted.  `after` 0: the step's own backoff.
inline Outcome Retry(const Error& why, Millis after = {}) {
  return {Outcome::kRetry, after, NameOf(why.code), why.message};
}
inline Outcome Retry(std::string_view code, std::string_view detail = {}, Millis after = {}) {
  return {Outcome::kRetry, after, code, detail};
}
/// Nothing commits; not counted: not yet, ask again.
inline Outcome Later(Millis after) {
  return {Outcome::kLater, after, {}, {}};
}
/// Undo only: settled, the effects stand on purpose.
inline Outcome Kept(std::string_view why) {
  return {Outcome::kKept, {}, {}, why};
}
/// Nothing commits and nothing happened.  `code` is one of the action's kErrors.
inline Outcome Fail(std::string_view code, std::string_view detail = {}) {
  return {Outcome::kFail, {}, code, detail};
}

/// Reconcile: what became of a call whose answer was lost.
struct Found {
  enum What : std::int32_t {
    kDone = REPRISE_FOUND_DONE,
    kNotDone = REPRISE_FOUND_NOT_DONE,
    kUnknown = REPRISE_FOUND_UNKNOWN,
  };
  What what = kUnknown;
  std::string memo = {};
};

/// What a question answers.  From an error: the runtime answers 503 or 500.
struct [[nodiscard]] Answer {
  enum Kind : std::int32_t { kAdd = REPRISE_ADD, kReply = REPRISE_REPLY, kRefuse = REPRISE_REFUSE };

  Kind kind = kAdd;
  int http = 200;
  Fields fields;
  std::string body;  // kReply: JSON text; empty: `fields`
  std::string code, detail;

  Answer() = default;
  Answer(const Error& error)  // NOLINT: implicit on purpose
      : kind(kRefuse),
        code(error.transient() ? "unavailable" : "internal"),
        detail(error.message) {}
};

/// A check: go on, with these fields.
inline Answer Add(Fields fields = {}) {
  Answer answer;
  answer.fields = std::move(fields);
  return answer;
}
/// The reply of the request: an object of these fields.
inline Answer Reply(int http, Fields body) {
  Answer answer;
  answer.kind = Answer::kReply;
  answer.http = http;
  answer.fields = std::move(body);
  return answer;
}
/// The reply as JSON text, for arrays and nested objects.
template <std::same_as<Json> J>
Answer Reply(int http, J body) {
  Answer answer;
  answer.kind = Answer::kReply;
  answer.http = http;
  answer.body = std::move(body.text);
  return answer;
}
/// `code` is one of the question's kErrors, which declares the HTTP status.
inline Answer Refuse(std::string_view code, std::string_view detail = {}) {
  Answer answer;
  answer.kind = Answer::kRefuse;
  answer.code = code;
  answer.detail = detail;
  return answer;
}

}  // namespace reprise
