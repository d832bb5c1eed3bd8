#include "http/session.h"

#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "base/log.h"
#include "http/problem.h"
#include "http/session_stream.h"

namespace reprise::runtime {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::size_t kLingerBytes = 1024 * 1024;

}  // namespace

Session::Session(std::shared_ptr<HttpCore> core, asio::ip::tcp::socket socket, std::string remote)
    : core_(std::move(core)),
      socket_(std::move(socket)),
      remote_(std::move(remote)),
      deadline_(socket_.get_executor()),
      signal_(socket_.get_executor()) {}

Session::~Session() = default;

Session::Done Session::Run(std::shared_ptr<Session> session, std::optional<Problem> refusal) {
  try {
    if (refusal) {
      co_await session->Refuse(*refusal);
    } else {
      bool first = true;
      while (!session->cut_ && co_await session->ServeOne(first)) first = false;
    }
  } catch (const std::exception& e) {
    Log(LogLevel::kError, "http: a connection was given up",
        {{"client", session->remote_}, {"error", e.what()}});
  }
  session->Finish();
}

void Session::Start(std::optional<Problem> refusal) {
  asio::co_spawn(socket_.get_executor(), Run(shared_from_this(), std::move(refusal)),
                 asio::detached);
}

void Session::Finish() {
  ++exchange_;  // answers that are still to come find nobody
  Cut();
  if (stream_) stream_->End();
  stream_.reset();
  const std::lock_guard lock(core_->mutex);
  core_->sessions.erase(this);
  const auto it = core_->per_client.find(remote_);
  if (it != core_->per_client.end() && --it->second == 0) core_->per_client.erase(it);
  core_->changed.notify_all();
}

Session::Whether Session::Write(std::string bytes) {
  if (timed_out_ || cut_) co_return false;
  error_code ec;
  co_await asio::async_write(socket_, asio::buffer(bytes),
                             asio::redirect_error(asio::use_awaitable, ec));
  co_return !ec;
}

Session::Done Session::Refuse(Problem problem, bool head_only) {
  timed_out_ = false;
  Framing framing;
  framing.keep_alive = false;
  framing.head_only = head_only;
  Arm(kLinger);
  const bool written = co_await Write(RenderResponse(RenderProblem(problem, false), framing));
  Disarm();
  if (written) co_await Linger();
}

/// Closes in the order that lets the client read the answer: what it still sends would otherwise
/// reset the connection under it (RFC 9112 section 9.6).
Session::Done Session::Linger() {
  error_code ec;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ec);
  Arm(kLinger);
  in_.clear();
  for (std::size_t seen = 0; !ec && !timed_out_ && !cut_ && seen < kLingerBytes;) {
    seen += co_await socket_.async_read_some(asio::buffer(discarded_),
                                             asio::redirect_error(asio::use_awaitable, ec));
  }
  Disarm();
}

void Session::Arm(Millis deadline) {
  timed_out_ = false;
  deadline_.expires_after(deadline);
  deadline_.async_wait([self = shared_from_this(), number = ++armed_](const error_code& ec) {
    if (ec || self->armed_ != number) return;
    self->timed_out_ = true;
    error_code ignored;
    self->socket_.cancel(ignored);
  });
}

void Session::Disarm() {
  ++armed_;
  deadline_.cancel();
}

void Session::Cut() {
  cut_ = true;
  error_code ignored;
  socket_.close(ignored);
  Disarm();
  signal_.cancel();
}

void Session::Drain() {
  OnStrand([self = shared_from_this()] {
    if (self->idle_) return self->Cut();
    self->signal_.cancel();
  });
}

void Session::Kill() {
  OnStrand([self = shared_from_this()] { self->Cut(); });
}

}  // namespace reprise::runtime
