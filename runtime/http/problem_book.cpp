#include "http/problem_book.h"

#include <algorithm>

#include <boost/json.hpp>

#include "http/problem.h"
#include "http/target.h"

namespace reprise::runtime {
namespace {

namespace json = boost::json;

constexpr const char* kFix = "Change the request; the same one is refused again.";
constexpr const char* kAgain =
    "Send it again after Retry-After, with the same Idempotency-Key if it had one.";
constexpr const char* kLook = "Look at what there is now, then decide; a later try may pass.";
constexpr const char* kReport =
    "Nothing a caller can change: tell who runs this; the log says more.";
constexpr const char* kName = "Look the name up: `reprise saga list`, `reprise graph`.";

struct Own {
  const char* code;
  int status;
  const char *about, *remedy;
};

// tests/http/problem_book_test.cpp reads the sources and names what is missing here.
constexpr Own kOwn[] = {
    // ---- the wire
    {"http.bad_request", 400, "The request is not well-formed HTTP.", kFix},
    {"http.bad_target", 400, "The request's target is no path.", kFix},
    {"http.body_too_large", 413, "The body is longer than `limits.body`.", kFix},
    {"http.head_too_large", 431, "Request line and headers are longer than 8 KiB.", kFix},
    {"http.timeout", 408, "The request did not arrive in time.", kAgain},
    {"http.expectation", 417, "The only expectation met is 100-continue.", kFix},
    {"http.version", 505, "This server speaks HTTP/1.1 and HTTP/1.0.", kFix},
    {"http.transfer_encoding", 501, "The only transfer coding known is chunked.", kFix},
    {"http.too_many_connections", 503, "As many connections are open as may be.", kAgain},
    {"http.too_many_connections_of_client", 429, "This client has too many connections open.",
     "Close some, then send it again."},
    {"http.stopping", 503, "The server is stopping.", kAgain},
    // ---- routes
    {"no_route", 404, "Nothing is at this path.",
     "Look at the pipelines' routes: `reprise graph`."},
    {"method_not_allowed", 405, "The path takes other methods.", "Use one of the header Allow."},
    {"unauthorized", 401, "There is no token, or not the right one.",
     "Send `Authorization: Bearer` with a token that is meant for this."},
    {"body.media_type", 415, "The body must be application/json in UTF-8.", kFix},
    {"body.invalid_json", 400, "The body is no JSON object.", kFix},
    {"body.too_deep", 400, "The body is nested deeper than 64.", kFix},
    {"body.unknown_field", 400, "A field of the body is not known here.", kFix},
    {"body.missing_field", 400, "A field of the body is missing.", kFix},
    {"body.wrong_type", 400, "A field of the body has another type than its route says.", kFix},
    {"body.out_of_range", 400, "A field of the body is too long, too large or too small.", kFix},
    {"query.unknown_field", 400, "A parameter of the query is not known here.", kFix},
    {"query.missing_field", 400, "A parameter of the query is missing.", kFix},
    {"query.wrong_type", 400, "A parameter of the query has another type than its route says.",
     kFix},
    {"query.out_of_range", 400, "A parameter of the query is too long, too large or too small.",
     kFix},
    {"query.repeated_field", 400, "A parameter of the query occurs twice.", kFix},
    {"path.out_of_range", 400, "A part of the path must have 1 to 128 characters.", kFix},
    {"payload_too_large", 413, "With all its fields the request would pass 512 KiB.", kFix},
    {"idempotency_key.missing", 400, "This route wants the header Idempotency-Key.",
     "Send one key for each thing that shall happen once, and the same one in every try."},
    {"idempotency_key.malformed", 400, "The Idempotency-Key is not 1 to 255 visible characters.",
     kFix},
    {"idempotency_key.reused", 422, "This key came before with another body.",
     "Use a new key for a new request; an old key only with the old body."},
    {"idempotency_key.running", 409, "The first request with this key is still running.",
     "Send the same again in a moment: it gets the answer of the first."},
    {"busy", 409, "Another request holds the lock of this route.", kAgain},
    // ---- the runtime
    {"overloaded", 503, "As many requests wait as may be; nothing of this one was stored.", kAgain},
    {"unavailable", 503, "The journal cannot store or answer anything now.", kAgain},
    {"stopping", 503, "The runtime is stopping; nothing of this request was stored.", kAgain},
    {"try_again", 503, "A step could not be done just now; nothing of it was stored.", kAgain},
    {"plan.unavailable", 503, "The plan that this saga follows is not loaded.", kReport},
    {"internal", 500, "Something failed that is nobody's wish.", kReport},
    {"exception", 500, "A plugin failed with an exception.", kReport},
    {"no_answer", 500, "A plugin gave no answer.", kReport},
    {"saga.unknown", 404, "No saga has this id; perhaps its time to be kept is over.", kName},
    {"step.unknown", 404, "The pipeline has no step of this name.", kName},
    {"event.unknown", 404, "The step has no event of this name.", kName},
    {"signal.unknown", 404, "No step of this pipeline waits for this signal.", kName},
    {"letter.unknown", 404, "No dead letter has this number.", "See `reprise dlq list`."},
    {"verb.unknown", 404, "There is no such verb.", "See `reprise saga --help`."},
    {"ended", 409, "The saga has ended.", "See `reprise saga show ID`."},
    {"final", 409, "A final step is done: nothing of this saga is undone any more.",
     "See `reprise saga show ID`."},
    {"undoing", 409, "This is being undone already.", "See `reprise saga show ID`."},
    {"not_failed", 409, "The step is neither failed nor held.", "See `reprise saga show ID`."},
    {"not_stuck", 409, "The step is not stuck.", "See `reprise saga show ID`."},
    {"changed", 409, "It is not as it was when you looked.", kLook},
    {"not_replayable", 409, "This dead letter cannot be replayed.", "Drop it: `reprise dlq drop`."},
    {"replayed", 409, "This dead letter was replayed before.", kLook},
    {"dropped", 409, "This dead letter was dropped before.", kLook},
    {"second_event", 409, "A dead letter of a step that another event claimed is not replayed.",
     "Drop it: `reprise dlq drop`."},
    {"expired", 409, "A dead letter whose saga is gone is not replayed.",
     "Drop it: `reprise dlq drop`."},
    // ---- the operators' API
    {"not_found", 404, "There is nothing of this name.", kName},
    {"invalid", 400, "The request cannot be understood.", kFix},
    {"body", 400, "The body is not what this verb takes.", kFix},
    {"query", 400, "A parameter is unknown or malformed.", kFix},
    {"method", 405, "The path takes other methods.", "Use one of the header Allow."},
    {"foreign_origin", 403, "A page of another origin may not change anything here.", kFix},
    {"ambiguous", 409, "More than one saga's id begins like this.", "Write more of the id."},
    {"no_such_pipeline", 404, "There is no pipeline of this name.", kName},
    {"crashed", 500,
     "What the request asked for ended the process three times and is not tried again.",
     "Tell the operator: the plugin that it names in its log is at fault."},
    {"no_such_topic", 404, "No pipeline listens to a topic of this name.", kName},
    {"no_such_step", 404, "The pipeline has no step of this name.", kName},
    {"no_such_event", 404, "There is no event of this name.", kName},
    {"which_step", 409, "More than one step fits.", "Name the step."},
    {"nothing_to_retry", 409, "No step of the saga is failed, held or stuck.", kLook},
    {"nothing_to_skip", 409, "No step of the saga is failed or held.", kLook},
    {"nothing_to_resolve", 409, "No step of the saga is stuck.", kLook},
    {"no_lanes", 404, "The embedded engine has no lanes.", "Ask a runtime on the cluster engine."},
    {"no_such_lane", 404, "No process ever worked on such a lane.",
     "See `reprise lane list --all`."},
    {"not_stopped", 409, "The lane does not stand still.", "See `reprise lane list`."},
    {"which_lane", 400, "An offset is one lane's, and the topic names several.",
     "Say TOPIC:PARTITION."},
};

/// What can be done about a plugin's refusal: all that is known of it is its status.
const char* RemedyOf(int status) {
  if (status == 401) return "Send `Authorization: Bearer` with a token that is meant for this.";
  if (status == 409 || status == 403) return kLook;
  if (status == 429 || status == 503) return kAgain;
  return status < 500 ? kFix : kReport;
}

json::object JsonOf(const ProblemMeaning& meaning) {
  json::object out{{"title", StatusTitle(meaning.status)},
                   {"status", meaning.status},
                   {"about", meaning.about},
                   {"remedy", meaning.remedy}};
  if (!meaning.by.empty()) out["by"] = meaning.by;
  return out;
}

}  // namespace

ProblemBook MakeProblemBook(const PluginCatalog& catalog) {
  ProblemBook book;
  for (const Own& own : kOwn) book[own.code].push_back({own.status, own.about, own.remedy, ""});
  const auto add = [&](const std::string& by, const std::vector<ProblemInfo>& errors) {
    for (const ProblemInfo& error : errors) {
      auto& known = book[error.code];
      const auto same = std::find_if(known.begin(), known.end(), [&](const ProblemMeaning& m) {
        return m.status == error.http && m.about == error.doc;
      });
      if (same == known.end()) {
        known.push_back({error.http, error.doc, RemedyOf(error.http), by});
      } else if (!same->by.empty()) {
        same->by += ", " + by;
      }
    }
  };
  for (const auto& [name, plugin] : catalog) {
    for (const ActionInfo& action : plugin.actions) add(name + "." + action.name, action.errors);
    for (const QuestionInfo& question : plugin.questions)
      add(name + "." + question.name, question.errors);
  }
  return book;
}

HttpResponse RenderMeaning(std::string_view code, const std::vector<ProblemMeaning>& meanings) {
  json::object body{{"type", "/problems/" + PercentEncode(code)}, {"code", code}};
  for (auto& field : JsonOf(meanings.front())) body[field.key()] = std::move(field.value());
  json::array also;
  for (std::size_t i = 1; i < meanings.size(); ++i) also.push_back(JsonOf(meanings[i]));
  if (!also.empty()) body["also"] = std::move(also);
  return {.body = json::serialize(body)};
}

}  // namespace reprise::runtime
