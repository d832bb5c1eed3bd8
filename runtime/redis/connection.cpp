#include "redis/connection.h"

#include <algorithm>
#include <cerrno>

#include <hiredis/hiredis.h>

#include "base/log.h"
#include "redis/tls.h"

namespace reprise::runtime::redis {
namespace {

timeval Seconds(Millis wait) {
  return {static_cast<time_t>(wait.count() / 1000),
          static_cast<suseconds_t>(wait.count() % 1000 * 1000)};
}

std::string Why(const redisContext& context) {
  if (context.err == REDIS_ERR_IO && (errno == EAGAIN || errno == EWOULDBLOCK)) {
    return "no answer in time";
  }
  return context.errstr;
}

Reply Copied(const redisReply& reply) {
  switch (reply.type) {
    case REDIS_REPLY_INTEGER:
      return {Reply::kInteger, reply.integer, {}, {}};
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
      return {Reply::kText, 0, std::string(reply.str, reply.len), {}};
    case REDIS_REPLY_ERROR:
      return {Reply::kError, 0, std::string(reply.str, reply.len), {}};
    case REDIS_REPLY_ARRAY: {
      Reply list{Reply::kList, 0, {}, {}};
      for (std::size_t i = 0; i < reply.elements; ++i) {
        list.list.push_back(Copied(*reply.element[i]));
      }
      return list;
    }
    default:
      return {};
  }
}

Status Send(redisContext& to, const Command& command) {
  std::vector<const char*> words;
  std::vector<std::size_t> sizes;
  for (const std::string& word : command) {
    words.push_back(word.data());
    sizes.push_back(word.size());
  }
  if (redisAppendCommandArgv(&to, static_cast<int>(words.size()), words.data(), sizes.data()) !=
      REDIS_OK) {
    return Error{Code::kUnavailable, Why(to)};
  }
  return {};
}

Result<Reply> Receive(redisContext& from) {
  void* got = nullptr;
  errno = 0;
  if (redisGetReply(&from, &got) != REDIS_OK || got == nullptr) {
    return Error{Code::kUnavailable, Why(from)};
  }
  const std::unique_ptr<void, void (*)(void*)> owned(got, freeReplyObject);
  return Copied(*static_cast<redisReply*>(got));
}

/// One step of the greeting: anything but a good answer is the end of it.
Status Greet(redisContext& to, const Command& command) {
  if (auto sent = Send(to, command); !sent) return sent;
  auto reply = Receive(to);
  if (!reply) return reply.error();
  if (reply->type == Reply::kError) return Error{Code::kUnavailable, reply->text};
  return {};
}

bool CannotServe(const Reply& reply) {
  static constexpr std::string_view kStates[] = {"LOADING", "READONLY",   "MISCONF", "MASTERDOWN",
                                                 "NOAUTH",  "NOREPLICAS", "BUSY ",   "OOM",
                                                 "NOPERM",  "CLUSTERDOWN"};
  return reply.type == Reply::kError &&
         std::any_of(std::begin(kStates), std::end(kStates),
                     [&](std::string_view state) { return reply.text.starts_with(state); });
}

}  // namespace

void CloseContext::operator()(redisContext* context) const {
  redisFree(context);
}

Result<Context> Connect(const Address& address, const Options& options) {
  errno = 0;
  Context context(
      redisConnectWithTimeout(address.host.c_str(), address.port, Seconds(options.connect_wait)));
  if (context == nullptr) return Error{Code::kUnavailable, "no memory for a connection"};
  if (context->err != 0) return Error{Code::kUnavailable, context->errstr};
  if (redisSetTimeout(context.get(), Seconds(options.command_wait)) != REDIS_OK) {
    return Error{Code::kUnavailable, context->errstr};
  }
  redisEnableKeepAlive(context.get());
  if (address.tls) {
    if (auto secured = StartTls(*context, address.host); !secured) return secured.error();
  }
  if (!address.password.empty()) {
    Command auth = {"AUTH"};
    if (!address.user.empty()) auth.push_back(address.user);
    auth.push_back(address.password);
    if (auto greeted = Greet(*context, auth); !greeted) return greeted.error();
  }
  if (address.db != 0) {
    auto greeted = Greet(*context, {"SELECT", std::to_string(address.db)});
    if (!greeted) return greeted.error();
  }
  if (auto greeted = Greet(*context, {"PING"}); !greeted) return greeted.error();
  return context;
}

Result<Connection> Connection::To(const Options& options) {
  auto address = ParseUrl(options.url);
  if (!address) return address.error();
  if (address->tls && !HasTls()) return NoTls();
  return Connection(options, std::move(*address));
}

Result<std::vector<Reply>> Connection::RunAll(std::span<const Command> commands) {
  if (context_ == nullptr) {
    if (auto opened = Open(); !opened) return opened.error();
  }
  auto replies = Exchange(commands);
  if (!replies) {
    GiveUp(replies.error().message);
    return replies;
  }
  const auto cannot = std::find_if(replies->begin(), replies->end(), CannotServe);
  if (cannot != replies->end()) {
    GiveUp(cannot->text);
    return Error{Code::kUnavailable, cannot->text};
  }
  failures_ = 0;
  if (trouble_) {
    trouble_.reset();
    Log(LogLevel::kInfo, "redis answers again", {{"at", address_.ToString()}});
  }
  return replies;
}

Result<Reply> Connection::Run(const Command& command) {
  auto replies = RunAll(std::span(&command, 1));
  if (!replies) return replies.error();
  return std::move(replies->front());
}

Status Connection::Open() {
  if (std::chrono::steady_clock::now() < not_before_) {
    return Error{Code::kUnavailable, trouble_.value_or("redis is away")};
  }
  auto opened = Connect(address_, options_);
  if (!opened) {
    GiveUp(opened.error().message);
    return opened.error();
  }
  context_ = std::move(*opened);
  return {};
}

Result<std::vector<Reply>> Connection::Exchange(std::span<const Command> commands) {
  for (const Command& command : commands) {
    if (auto sent = Send(*context_, command); !sent) return sent.error();
  }
  std::vector<Reply> replies;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    auto reply = Receive(*context_);
    if (!reply) return reply.error();
    replies.push_back(std::move(*reply));
  }
  return replies;
}

void Connection::GiveUp(const std::string& why) {
  context_.reset();
  const auto now = std::chrono::steady_clock::now();
  const auto salt = static_cast<std::uint64_t>(now.time_since_epoch().count());
  not_before_ = now + BackoffDelay(options_.again, ++failures_, salt);
  if (!trouble_) {
    Log(LogLevel::kWarn, "redis is away", {{"at", address_.ToString()}, {"why", why}});
  }
  trouble_ = why;
}

}  // namespace reprise::runtime::redis
