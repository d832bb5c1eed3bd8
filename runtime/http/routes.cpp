#include "http/routes.h"

#include <chrono>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/ids.h"
#include "http/body.h"
#include "http/headers.h"
#include "http/problem.h"
#include "http/streams.h"
#include "http/target.h"

namespace reprise::runtime {
namespace {

constexpr int kPendingRetryAfter = 1;  // s: when to look at what a 202 began

Problem FromReply(const Reply& reply) {
  Problem problem = MakeProblem(reply.status, reply.code, reply.detail);
  problem.retry_after_s = reply.retry_after_s;
  return problem;
}

HttpResponse FromSuccess(Reply reply) {
  HttpResponse response;
  response.status = reply.status;
  response.body = std::move(reply.body);
  if (!reply.location.empty()) response.headers.emplace_back("Location", reply.location);
  if (reply.status == 202 && !reply.retry_after_s) reply.retry_after_s = kPendingRetryAfter;
  if (reply.retry_after_s) {
    response.headers.emplace_back("Retry-After", std::to_string(*reply.retry_after_s));
  }
  if (reply.replayed) response.headers.emplace_back("Idempotency-Replayed", "true");
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

/// What every answer of a request says besides, and what is counted of it.
struct Around {
  std::string route, path, trace;
  Metrics* metrics = nullptr;
  std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();

  Problem Dress(Problem problem) const {
    Count(problem.status);
    problem.instance = path;
    problem.trace_id = TraceId(trace);
    problem.headers.emplace_back("traceparent", trace);
    return problem;
  }

  HttpResponse Dress(HttpResponse response) const {
    Count(response.status);
    response.headers.emplace_back("traceparent", trace);
    return response;
  }

  void Count(int status) const {
    if (metrics == nullptr) return;
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    metrics->Count("reprise_http_requests_total",
                   {{"route", route}, {"status", std::to_string(status)}});
    metrics->Observe("reprise_http_request_duration_seconds", {{"route", route}}, took.count());
  }
};

}  // namespace

struct Routes::Call {
  Request request;
  Around around;
};

Routes::Routes(Router router, Ingress& ingress, RoutesOptions options)
    : router_(std::move(router)),
      ingress_(ingress),
      options_(std::move(options)),
      streams_(std::make_shared<EventStreams>(ingress, options_.loop, options_.stream_every)) {}

Routes::~Routes() = default;

Result<std::unique_ptr<Routes>> Routes::Make(const std::vector<PipelineRef>& pipelines,
                                             Ingress& ingress, RoutesOptions options) {
  auto router = Router::Build(pipelines, options.reserved);
  if (!router) return router.error();
  auto routes =
      std::unique_ptr<Routes>(new Routes(std::move(*router), ingress, std::move(options)));
  ingress.OnHint([weak = std::weak_ptr(routes->streams_)](const std::string& channel) {
    if (const auto streams = weak.lock()) streams->Hint(channel);
  });
  return routes;
}

void Routes::Hint(const std::string& channel) {
  streams_->Hint(channel);
}

std::size_t Routes::streams() const {
  return streams_->open();
}

void Routes::Handle(const HttpRequest& request, std::shared_ptr<Responder> responder) {
  const Router::Match match = router_.Find(request.method, request.segments);
  if (match.entry == nullptr) return NoRoute(request, match.allow, *responder);
  Call call;
  call.request.trace = NextTraceparent(request.Header("traceparent"));
  call.around = {match.entry->route->name(), request.path, call.request.trace, options_.metrics};
  if (auto problem = Prepare(request, *match.entry, call)) {
    return responder->Refuse(call.around.Dress(std::move(*problem)));
  }
  if (call.request.route->kind == RouteKind::kStream) {
    return OpenStream(request, std::move(call), std::move(responder));
  }
  call.request.reply = [responder, around = std::move(call.around)](Reply reply) {
    if (!reply.code.empty()) return responder->Refuse(around.Dress(FromReply(reply)));
    responder->Send(around.Dress(FromSuccess(std::move(reply))));
  };
  ingress_.Submit(std::move(call.request));
}

void Routes::NoRoute(const HttpRequest& request, std::vector<std::string> allow,
                     Responder& responder) {
  if (allow.empty()) {
    if (ExplainProblem(request, responder)) return;
    Problem problem = MakeProblem(404, "no_route", fmt::format("nothing is at {}", request.path));
    problem.instance = request.path;
    return responder.Refuse(std::move(problem));
  }
  const std::string methods = fmt::format("{}", fmt::join(allow, ", "));
  if (request.method == "OPTIONS") {
    return responder.Send({.status = 204, .headers = {{"Allow", methods}}});
  }
  Problem problem = MakeProblem(
      405, "method_not_allowed",
      fmt::format("{} is not for {}; it takes {}", request.method, request.path, methods));
  problem.instance = request.path;
  problem.headers.emplace_back("Allow", methods);
  responder.Refuse(std::move(problem));
}

/// GET /problems/<code>: where `type` of a problem leads.
bool Routes::ExplainProblem(const HttpRequest& request, Responder& responder) const {
  if (request.segments.size() != 2 || request.segments[0] != "problems") return false;
  if (request.method != "GET" && request.method != "HEAD") return false;
  const auto it = options_.problems.find(request.segments[1]);
  if (it != options_.problems.end()) {
    responder.Send(RenderMeaning(it->first, it->second));
    return true;
  }
  Problem problem = MakeProblem(
      404, "not_found", fmt::format("no problem here has the code '{}'", request.segments[1]));
  problem.instance = request.path;
  responder.Refuse(std::move(problem));
  return true;
}

std::optional<Problem> Routes::Prepare(const HttpRequest& request, const Router::Entry& entry,
                                       Call& call) {
  call.request.pipeline = entry.pipeline;
  call.request.route = entry.route;
  if (auto problem = CheckDoor(request, *entry.route, call)) return problem;
  if (auto problem = DecodeFields(request, entry, call)) return problem;
  const bool once = entry.route->kind != RouteKind::kStream;  // a stream is asked again and again
  if (once && entry.route->deadline && options_.clock != nullptr) {
    call.request.deadline = options_.clock->Now() + *entry.route->deadline;
  }
  return std::nullopt;
}

/// What can be said without looking at the body.
std::optional<Problem> Routes::CheckDoor(const HttpRequest& request, const Route& route,
                                         Call& call) {
  const std::string_view bearer = request.bearer();
  if (!bearer.empty() && !IsBearerToken(bearer)) {
    return MakeProblem(401, "unauthorized", "the bearer token has characters no token has");
  }
  if (!route.admin_token) {
    call.request.bearer = std::string(bearer);
  } else if (!options_.admin_token.empty() && !SameSecret(bearer, options_.admin_token)) {
    return MakeProblem(401, "unauthorized",
                       bearer.empty() ? "this needs the administrator's bearer token"
                                      : "this is not the administrator's token");
  }
  if (const auto why = ingress_.Overloaded()) return MakeProblem(503, why->first, why->second);
  const std::size_t keys = CountOf(request, "idempotency-key");
  if (keys == 0) {
    if (!route.idempotency_required) return std::nullopt;
    return MakeProblem(400, "idempotency_key.missing",
                       "send an Idempotency-Key header, one for each thing that shall happen once");
  }
  auto key = ParseIdempotencyKey(*request.Header("idempotency-key"));
  if (keys > 1 || !key) {
    return MakeProblem(400, "idempotency_key.malformed",
                       "Idempotency-Key must be one string of 1 to 255 visible characters, as in "
                       "\"8e03978e-40d5\"");
  }
  call.request.idempotency_key = std::move(*key);
  return std::nullopt;
}

std::optional<Problem> Routes::DecodeFields(const HttpRequest& request, const Router::Entry& entry,
                                            Call& call) {
  const Route& route = *entry.route;
  auto path = PathFields(entry, request.segments);
  if (!path) {
    return MakeProblem(400, "path.out_of_range",
                       fmt::format("'{}' must have 1 to 128 characters", path.error().message));
  }
  Decoded query = DecodeQuery(request.query, route.query,
                              route.kind == RouteKind::kStream ? "last_event_id" : "");
  Decoded body = DecodeBody(request, route.body);
  if (body.problem && body.problem->errors.empty()) return body.problem;
  if (query.problem && body.problem) {  // all fields at once
    for (FieldProblem& error : body.problem->errors) {
      query.problem->errors.push_back(std::move(error));
    }
  }
  if (query.problem) return query.problem;
  if (body.problem) return body.problem;
  json::object fields = std::move(body.fields);
  for (auto& member : query.fields) fields[member.key()] = std::move(member.value());
  for (auto& member : *path) fields[member.key()] = std::move(member.value());
  call.request.body_hash = Sha256(CanonicalJson(fields));
  call.request.fields = std::move(fields);
  return std::nullopt;
}

void Routes::OpenStream(const HttpRequest& request, Call call,
                        std::shared_ptr<Responder> responder) {
  const auto header = request.Header("last-event-id");
  std::string last_id(header ? *header : request.Query("last_event_id").value_or(""));
  streams_->Open(std::move(call.request), std::move(last_id), std::move(responder),
                 [around = std::move(call.around)](const Reply& refused) {
                   return around.Dress(FromReply(refused));
                 });
}

}  // namespace reprise::runtime
