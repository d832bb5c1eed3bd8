#include "admin/api.h"

#include <algorithm>
#include <span>

#include <fmt/core.h>

#include "admin/guard.h"
#include "admin/lanes.h"
#include "admin/pipelines.h"
#include "admin/publish.h"
#include "admin/read.h"
#include "admin/verbs.h"
#include "base/suggest.h"

namespace reprise::runtime {
namespace {

using WiringRef = std::shared_ptr<const AdminApi::Wiring>;
using ResponderRef = std::shared_ptr<Responder>;

void Send(Responder& to, const Answer& answer) {
  if (!answer.ok())
    return to.Refuse({.status = answer.status, .code = answer.code, .detail = answer.detail});
  HttpResponse response;
  response.status = answer.status;
  response.body = json::serialize(answer.body);
  response.headers.emplace_back("cache-control", "no-store");
  to.Send(std::move(response));
}

void Send(Responder& to, Reply reply) {
  if (!reply.code.empty()) {
    return to.Refuse({.status = reply.status,
                      .code = std::move(reply.code),
                      .detail = std::move(reply.detail),
                      .retry_after_s = reply.retry_after_s});
  }
  to.Send({.status = reply.status, .body = reply.body.empty() ? "{}" : std::move(reply.body)});
}

View Now(const AdminApi::Wiring& wiring) {
  View view = wiring.view;
  view.now = wiring.clock.Now();
  return view;
}

void Read(const WiringRef& wiring, std::vector<std::string> path, Query query, ResponderRef to) {
  wiring->ingress.Read(
      [wiring, path = std::move(path), query = std::move(query), to](Journal& journal) {
        Send(*to, ReadPath(journal, Now(*wiring), path, query));
      });
}

// Finds what the verb is about on the executor's thread, then submits it like any other input.
template <class Aim>
void Submit(const WiringRef& wiring, Verb verb, ResponderRef to, Aim aim) {
  verb.reply = [to](Reply reply) { Send(*to, std::move(reply)); };
  wiring->ingress.Read([wiring, verb = std::move(verb), to, aim](Journal& journal) mutable {
    Answer refused;
    if (!aim(journal, verb, refused)) return Send(*to, refused);
    wiring->ingress.Submit(std::move(verb));
  });
}

void Change(const WiringRef& wiring, const HttpRequest& request, const std::string& what,
            const std::string& id, ResponderRef to) {
  auto verb = ReadVerb(request, what);
  if (!verb) return Send(*to, Answer::Problem(400, "body", verb.error().message));
  if (what.starts_with("dlq-")) {
    return Submit(wiring, std::move(*verb), to,
                  [id](Journal& journal, Verb& aimed, Answer& refused) {
                    return AimAtLetter(journal, id, aimed, refused);
                  });
  }
  Submit(wiring, std::move(*verb), to,
         [wiring, id](Journal& journal, Verb& aimed, Answer& refused) {
           return AimAtSaga(journal, Now(*wiring), id, aimed, refused);
         });
}

void Resume(const WiringRef& wiring, const HttpRequest& request, const std::string& name,
            ResponderRef to) {
  auto order = ReadLaneOrder(request, name);
  if (!order) return Send(*to, Answer::Problem(400, "body", order.error().message));
  wiring->ingress.Read([wiring, order = std::move(*order), to](Journal&) {
    Send(*to, ResumeLanes(wiring->view, order));
  });
}

constexpr std::string_view kTopic = "topic:";

/// The lines of a request; none: it is answered.
std::vector<PublishLine> LinesOf(const WiringRef& wiring, const HttpRequest& request,
                                 const ResponderRef& to) {
  if (const auto busy = wiring->ingress.Overloaded()) {
    to->Refuse({.status = 503, .code = busy->first, .detail = busy->second});
    return {};
  }
  auto lines = ReadLines(request.Header("content-type").value_or(""), request.body);
  if (lines) return std::move(*lines);
  Send(*to, Answer::Problem(400, "body", lines.error().message));
  return {};
}

void Feed(const WiringRef& wiring, const HttpRequest& request, const std::string& name,
          const std::string& event, ResponderRef to) {
  const PipelineRef pipeline = FindPipeline(wiring->view, name);
  if (!pipeline)
    return Send(*to,
                Answer::Problem(404, "no_such_pipeline", fmt::format("no pipeline '{}'", name)));
  if (!Starts(*pipeline, event)) {
    return Send(*to, Answer::Problem(404, "no_such_event",
                                     fmt::format("no saga of '{}' begins with '{}'{}", name, event,
                                                 DidYouMean(event, StartEvents(*pipeline)))));
  }
  const auto lines = LinesOf(wiring, request, to);
  if (!lines.empty()) {
    Publish(wiring->ingress, pipeline, event, lines,
            [to](const Answer& answer) { Send(*to, answer); });
  }
}

/// "topic:orders": the lines are records of a topic.
void FeedTopic(const WiringRef& wiring, const HttpRequest& request, const std::string& name,
               ResponderRef to) {
  const std::string topic = name.substr(kTopic.size());
  std::vector<std::string> known;
  for (const PipelineRef& pipeline :
       wiring->view.pipelines ? wiring->view.pipelines() : std::vector<PipelineRef>()) {
    for (const Topic& listened : pipeline->topics) known.push_back(listened.name);
  }
  if (std::find(known.begin(), known.end(), topic) == known.end()) {
    return Send(*to, Answer::Problem(404, "no_such_topic",
                                     fmt::format("no pipeline listens to topic '{}'{}", topic,
                                                 DidYouMean(topic, known))));
  }
  const auto lines = LinesOf(wiring, request, to);
  if (!lines.empty()) {
    PublishRecords(wiring->ingress, topic, lines,
                   [to](const Answer& answer) { Send(*to, answer); });
  }
}

void Backup(const WiringRef& wiring, const HttpRequest& request, ResponderRef to) {
  const auto body = Payload::Parse(request.body);
  const std::string file = body ? body->Text("file") : "";
  if (file.empty())
    return Send(*to, Answer::Problem(400, "body", "say where to: {\"file\": \"/path/to/new.db\"}"));
  if (file.front() != '/') {
    return Send(
        *to, Answer::Problem(400, "body", "'file' must be a whole path on the runtime's machine"));
  }
  wiring->ingress.Read([file, to](Journal& journal) {
    const Status done = journal.Backup(file);
    Send(*to, done ? Answer::Of({{"file", file}}) : Answer::Failed(done.error()));
  });
}

bool OneOf(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

enum class Kind { kRead, kSagaVerb, kLetterVerb, kLaneVerb, kPublish, kRecords, kBackup };

Kind KindOf(std::span<const std::string> path) {
  const bool three = path.size() == 3;
  if (three && path[0] == "sagas" &&
      OneOf(path[2], {"retry", "undo", "skip", "resolve", "signal"})) {
    return Kind::kSagaVerb;
  }
  if (three && path[0] == "dlq" && OneOf(path[2], {"replay", "drop"})) return Kind::kLetterVerb;
  if (three && path[0] == "lanes" && path[2] == "resume") return Kind::kLaneVerb;
  if (three && path[0] == "publish") return Kind::kPublish;
  if (path.size() == 2 && path[0] == "publish" && path[1].starts_with(kTopic))
    return Kind::kRecords;
  if (path.size() == 1 && path[0] == "backup") return Kind::kBackup;
  return Kind::kRead;
}

}  // namespace

AdminApi::AdminApi(Wiring wiring) : wiring_(std::make_shared<const Wiring>(std::move(wiring))) {}

void AdminApi::Handle(HttpRequest request, std::shared_ptr<Responder> responder) const {
  std::vector<std::string> path = request.segments;
  if (path.size() < 2 || path[0] != "api" || path[1] != "v1") {
    return responder->Refuse(
        {.status = 404, .code = "not_found", .detail = "the API is under /api/v1"});
  }
  path.erase(path.begin(), path.begin() + 2);
  const Kind kind = KindOf(path);
  const bool reads = kind == Kind::kRead;
  const bool get = OneOf(request.method, {"GET", "HEAD"});
  if (reads ? !get : request.method != "POST") {
    return responder->Refuse(
        {.status = 405,
         .code = "method",
         .detail = fmt::format("{} is not for {}", request.path, request.method),
         .headers = {{"allow", reads ? "GET, HEAD" : "POST"}}});
  }
  if (reads) return Read(wiring_, std::move(path), std::move(request.query), std::move(responder));
  if (auto refused = RefuseChange(request, wiring_->token))
    return responder->Refuse(std::move(*refused));
  switch (kind) {
    case Kind::kSagaVerb:
      return Change(wiring_, request, path[2], path[1], std::move(responder));
    case Kind::kLetterVerb:
      return Change(wiring_, request, "dlq-" + path[2], path[1], std::move(responder));
    case Kind::kLaneVerb:
      return Resume(wiring_, request, path[1], std::move(responder));
    case Kind::kPublish:
      return Feed(wiring_, request, path[1], path[2], std::move(responder));
    case Kind::kRecords:
      return FeedTopic(wiring_, request, path[1], std::move(responder));
    case Kind::kBackup:
      return Backup(wiring_, request, std::move(responder));
    case Kind::kRead:
      return;
  }
}

}  // namespace reprise::runtime
