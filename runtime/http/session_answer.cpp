/// How a session gets its requests answered.
#include <atomic>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.h"
#include "http/problem.h"
#include "http/session_stream.h"

namespace reprise::runtime {

namespace asio = boost::asio;
using boost::system::error_code;

/// The responder of one request.
class Session::Exchange final : public Responder {
 public:
  Exchange(std::shared_ptr<Session> session, std::uint64_t number, bool token_sent)
      : session_(std::move(session)), number_(number), token_sent_(token_sent) {}

  ~Exchange() override {
    if (!answered_) Refuse(MakeProblem(500, "internal", "the request was not answered"));
  }

  void Send(HttpResponse response) override {
    if (answered_.exchange(true)) return;
    Deliver(std::move(response));
  }

  void Refuse(Problem problem) override {
    if (answered_.exchange(true)) return;
    Deliver(RenderProblem(problem, token_sent_));
  }

  std::shared_ptr<EventStream> Stream() override {
    if (answered_.exchange(true)) return nullptr;
    if (session_->core_->draining) {
      Deliver(RenderProblem(MakeProblem(503, "http.stopping", "the server is stopping"), false));
      return nullptr;
    }
    auto stream = std::make_shared<Session::Stream>(session_);
    session_->OnStrand([session = session_, stream, number = number_] {
      if (session->exchange_ != number) return stream->End();
      session->stream_ = stream;
      session->signal_.cancel();
    });
    return stream;
  }

 private:
  void Deliver(HttpResponse response) {
    session_->OnStrand([session = session_, number = number_, r = std::move(response)]() mutable {
      if (session->exchange_ != number) return;
      session->response_ = std::move(r);
      session->signal_.cancel();
    });
  }

  const std::shared_ptr<Session> session_;
  const std::uint64_t number_;
  const bool token_sent_;
  std::atomic<bool> answered_ = false;
};

Session::Whether Session::Answer(Asked& in) {
  response_.reset();
  if (in.about_server) {
    response_ = HttpResponse{.status = 204, .headers = {{"Allow", "GET, HEAD, POST, PUT, DELETE"}}};
  } else {
    CallHandler(std::move(in.request));
  }
  while (!response_ && !stream_ && !cut_) {
    error_code ec;
    signal_.expires_at(asio::steady_timer::time_point::max());
    co_await signal_.async_wait(asio::redirect_error(asio::use_awaitable, ec));
  }
  in.framing.keep_alive = in.keep_alive && !core_->draining;
  if (stream_) {
    co_await RunStream(stream_, in.framing);
    co_return false;
  }
  if (!response_) co_return false;
  std::string bytes = RenderResponse(*response_, in.framing);
  response_.reset();
  Arm(core_->options.write_deadline);
  const bool keep = co_await Write(std::move(bytes)) && in.framing.keep_alive;
  Disarm();
  if (!keep) co_await Linger();
  co_return keep;
}

void Session::CallHandler(HttpRequest request) {
  const bool token_sent = request.Header("authorization").has_value();
  auto exchange = std::make_shared<Exchange>(shared_from_this(), ++exchange_, token_sent);
  try {
    core_->handler(std::move(request), exchange);
  } catch (const std::exception& e) {
    Log(LogLevel::kError, "http: a handler failed", {{"error", e.what()}});
    exchange->Refuse(MakeProblem(500, "internal", "the server failed to answer"));
  }
}

Session::Done Session::RunStream(std::shared_ptr<Stream> stream, Framing framing) {
  const HttpOptions& options = core_->options;
  Arm(options.write_deadline);
  bool open = co_await Write(RenderStreamHead(framing));
  Disarm();
  if (framing.head_only) open = false;
  if (open) WatchForEnd();
  while (open && !cut_) {
    std::string text = stream->Take();
    if (text.empty()) {
      if (stream->ending() || core_->draining) break;
      error_code ec;
      signal_.expires_after(options.ping_every);
      co_await signal_.async_wait(asio::redirect_error(asio::use_awaitable, ec));
      if (ec) continue;  // woken: there is something to do
      text = ": ping\n\n";
    }
    Arm(options.write_deadline);
    open = co_await Write(RenderChunk(text, framing));
    Disarm();
  }
  if (open && !cut_) {
    Arm(kLinger);
    co_await Write(std::string(LastChunk(framing)));
    Disarm();
    error_code ignored;
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  }
}

/// Reads what the client of a stream sends, which is nothing, to learn that it has gone.
void Session::WatchForEnd() {
  socket_.async_read_some(asio::buffer(discarded_),
                          [self = shared_from_this()](const error_code& ec, std::size_t) {
                            if (ec) return self->Cut();
                            self->WatchForEnd();
                          });
}

}  // namespace reprise::runtime
