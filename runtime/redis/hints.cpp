#include "redis/hints.h"

#include <cerrno>
#include <memory>
#include <system_error>

#include <hiredis/hiredis.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"

namespace reprise::runtime::redis {
namespace {

constexpr Millis kSilence{10'000};  // after which the server is asked whether it is there

std::string ChannelOf(const Options& options) {
  return options.prefix + ":hint";
}

}  // namespace

void HintPublisher::Publish(std::span<const std::string> channels) {
  if (channels.empty()) return;
  std::vector<Command> commands;
  for (const std::string& channel : channels) {
    commands.push_back({"PUBLISH", ChannelOf(connection_.options()), sender_ + " " + channel});
  }
  (void)connection_.RunAll(commands);  // only hints
}

HintSubscriber::HintSubscriber(const Options& options, std::string sender,
                               std::function<void(const std::string& channel)> on_hint)
    : options_(options),
      sender_(std::move(sender)),
      on_hint_(std::move(on_hint)),
      stop_(::eventfd(0, EFD_CLOEXEC)) {
  if (stop_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  thread_ = std::thread([this] { Run(); });
}

HintSubscriber::~HintSubscriber() {
  stopping_ = true;
  ::eventfd_write(stop_, 1);
  thread_.join();
  ::close(stop_);
}

void HintSubscriber::Run() {
  std::uint32_t failures = 0;
  while (!stopping_) {
    const Status ended = Listen();
    if (stopping_) return;
    failures = listening_.exchange(false) ? 1 : failures + 1;
    if (failures == 1) {
      Log(LogLevel::kWarn, "no hints from redis", {{"why", ended.error().message}});
    }
    const auto salt =
        static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
    Wait(-1, BackoffDelay(options_.again, failures, salt));
  }
}

/// Until something fails or it is to stop.
Status HintSubscriber::Listen() {
  const auto address = ParseUrl(options_.url);
  if (!address) return address.error();
  auto opened = Connect(*address, options_);
  if (!opened) return opened.error();
  redisContext& context = **opened;
  const std::string channel = ChannelOf(options_);
  redisAppendCommand(&context, "SUBSCRIBE %b", channel.data(), channel.size());
  bool asked = false;
  for (;;) {
    for (int done = 0; done == 0;) {
      if (redisBufferWrite(&context, &done) != REDIS_OK) {
        return Error{Code::kUnavailable, context.errstr};
      }
    }
    if (Wait(context.fd, kSilence)) {
      if (stopping_) return {};
      if (auto heard = Hear(context); !heard) return heard;
      asked = false;
    } else {
      if (asked) return Error{Code::kUnavailable, "no answer in time"};
      asked = true;
      redisAppendCommand(&context, "PING");
    }
  }
}

/// Whether there is something to read, or it is to stop, before the time is over.
bool HintSubscriber::Wait(int descriptor, Millis wait) const {
  pollfd on[] = {{stop_, POLLIN, 0}, {descriptor, POLLIN, 0}};
  int ready = 0;
  do {
    ready = ::poll(on, 2, static_cast<int>(wait.count()));
  } while (ready < 0 && errno == EINTR);
  return ready != 0;
}

/// Everything that has arrived.
Status HintSubscriber::Hear(redisContext& from) {
  if (redisBufferRead(&from) != REDIS_OK) return Error{Code::kUnavailable, from.errstr};
  for (;;) {
    void* got = nullptr;
    if (redisGetReplyFromReader(&from, &got) != REDIS_OK) {
      return Error{Code::kUnavailable, from.errstr};
    }
    if (got == nullptr) return {};
    const std::unique_ptr<void, void (*)(void*)> owned(got, freeReplyObject);
    const auto& reply = *static_cast<redisReply*>(got);
    if (reply.type == REDIS_REPLY_ERROR) return Error{Code::kUnavailable, reply.str};
    if (reply.type != REDIS_REPLY_ARRAY || reply.elements != 3) continue;  // a PONG
    const std::string_view kind(reply.element[0]->str, reply.element[0]->len);
    if (kind == "subscribe") {
      listening_ = true;
      on_hint_("");
    } else if (kind == "message" && reply.element[2]->type == REDIS_REPLY_STRING) {
      const std::string_view text(reply.element[2]->str, reply.element[2]->len);
      const auto space = text.find(' ');
      if (space == std::string_view::npos || text.substr(0, space) == sender_) continue;
      on_hint_(std::string(text.substr(space + 1)));
    }
  }
}

}  // namespace reprise::runtime::redis
