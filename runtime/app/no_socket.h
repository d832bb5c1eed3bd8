/// Requests and answers without a server: for worlds inside a process.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "http/server.h"
#include "model/payload.h"
#include "ports/http.h"

namespace reprise::runtime {

/// "/a/{b}/c" is {"a", "{b}", "c"}: for paths that nobody has escaped.
inline std::vector<std::string> SegmentsOf(const std::string& path) {
  std::vector<std::string> out;
  for (std::size_t at = 1; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    if (end > at) out.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

/// Runs at once what a server would run soon; there is nobody to wait for.
class NoLoop : public HttpLoop {
 public:
  void Post(std::function<void()> work) override { work(); }
  void After(Millis, std::function<void()>) override {}
};

/// Keeps the answer.
class Kept : public Responder {
 public:
  explicit Kept(std::optional<HttpResponse>& out) : out_(out) {}
  void Send(HttpResponse response) override {
    if (!out_) out_ = std::move(response);
  }
  void Refuse(Problem problem) override {
    if (out_) return;
    HttpResponse response;
    response.status = problem.status;
    response.content_type = "application/problem+json";
    response.body = json::serialize(json::object{
        {"status", problem.status}, {"code", problem.code}, {"detail", problem.detail}});
    out_ = std::move(response);
  }
  std::shared_ptr<EventStream> Stream() override { return nullptr; }

 private:
  std::optional<HttpResponse>& out_;
};

/// Hands the answer on.
class HandedOn : public Responder {
 public:
  explicit HandedOn(std::function<void(const HttpResponse&)> to) : to_(std::move(to)) {}
  void Send(HttpResponse response) override { Kept(answer_).Send(std::move(response)), Tell(); }
  void Refuse(Problem problem) override { Kept(answer_).Refuse(std::move(problem)), Tell(); }
  std::shared_ptr<EventStream> Stream() override { return nullptr; }

 private:
  void Tell() {
    if (const auto to = std::exchange(to_, nullptr)) to(*answer_);
  }

  std::function<void(const HttpResponse&)> to_;
  std::optional<HttpResponse> answer_;
};

}  // namespace reprise::runtime
