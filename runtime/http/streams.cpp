#include "http/streams.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace reprise::runtime {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kPendingMax =
    64 * 1024;  // a client that is behind by this much is asked for later
constexpr Millis kCatchUp{20};
constexpr Millis kTickMax{1'000};

}  // namespace

struct EventStreams::Viewer {
  explicit Viewer(std::shared_ptr<std::atomic<std::size_t>> c) : count(std::move(c)) { ++*count; }
  ~Viewer() { --*count; }
  Viewer(const Viewer&) = delete;
  Viewer& operator=(const Viewer&) = delete;

  const std::shared_ptr<std::atomic<std::size_t>> count;
  Request question;
  std::string last_id;
  std::shared_ptr<Responder> responder;  // until the stream is open
  std::function<Problem(const Reply&)> refuse;

  std::shared_ptr<EventStream> stream;
  std::string channel;
  bool asking = false, again = false, joined = false;
  Clock::time_point asked{};
};

EventStreams::EventStreams(Ingress& ingress, std::shared_ptr<HttpLoop> loop, Millis ask_every)
    : ingress_(ingress),
      loop_(std::move(loop)),
      ask_every_(ask_every),
      viewers_(std::make_shared<std::atomic<std::size_t>>(0)) {}

void EventStreams::Open(Request question, std::string last_id, std::shared_ptr<Responder> responder,
                        std::function<Problem(const Reply&)> refuse) {
  auto viewer = std::make_shared<Viewer>(viewers_);
  viewer->question = std::move(question);
  viewer->last_id = std::move(last_id);
  viewer->responder = std::move(responder);
  viewer->refuse = std::move(refuse);
  loop_->Post([weak = weak_from_this(), viewer] {
    if (const auto self = weak.lock()) self->Ask(viewer);
  });
}

void EventStreams::Hint(std::string channel) {
  if (*viewers_ == 0) return;
  loop_->Post([weak = weak_from_this(), channel = std::move(channel)] {
    const auto self = weak.lock();
    if (!self) return;
    const auto it = self->channels_.find(channel);
    if (it == self->channels_.end()) return;
    for (const ViewerRef& viewer : std::vector<ViewerRef>(it->second.begin(), it->second.end())) {
      self->Ask(viewer);
    }
  });
}

void EventStreams::Ask(const ViewerRef& viewer) {
  if (viewer->stream && viewer->stream->closed()) return;
  if (viewer->asking || (viewer->stream && viewer->stream->pending() > kPendingMax)) {
    if (!std::exchange(viewer->again, true) && !viewer->asking) AskAgainSoon(viewer);
    return;
  }
  viewer->asking = true;
  viewer->again = false;
  viewer->asked = Clock::now();
  ingress_.AskStream(
      viewer->question, viewer->last_id,
      [weak = weak_from_this(), loop = loop_, viewer](Reply refused, StreamBatch batch) {
        loop->Post(
            [weak, viewer, refused = std::move(refused), batch = std::move(batch)]() mutable {
              if (const auto self = weak.lock()) self->Answered(viewer, refused, std::move(batch));
            });
      });
}

void EventStreams::Answered(const ViewerRef& viewer, const Reply& refused, StreamBatch batch) {
  viewer->asking = false;
  if (!refused.code.empty()) {
    if (viewer->responder) {
      viewer->responder->Refuse(viewer->refuse(refused));
      viewer->responder.reset();
    } else if (refused.status < 500 && refused.status != 429) {
      viewer->stream
          ->Close();  // it may not see more; what may pass is asked again at the next tick
    }
    return;
  }
  const bool first = viewer->responder != nullptr;
  if (first && !OpenStream(viewer)) return;
  if (viewer->stream->closed()) return Leave(viewer);
  Join(viewer, batch.channel);
  viewer->question.fields = std::move(batch.fields);
  viewer->question.checked = true;
  const std::string before = viewer->last_id;
  if (!SendBatch(*viewer, batch)) return Leave(viewer);
  const bool more = !batch.events.empty() && viewer->last_id != before;
  if (more || viewer->again) {
    viewer->again = false;
    Ask(viewer);
  }
}

bool EventStreams::OpenStream(const ViewerRef& viewer) {
  viewer->stream = viewer->responder->Stream();
  viewer->responder.reset();
  if (!viewer->stream) return false;
  viewer->stream->OnClosed([weak = weak_from_this(), loop = loop_, viewer] {
    loop->Post([weak, viewer] {
      if (const auto self = weak.lock()) self->Leave(viewer);
    });
  });
  return true;
}

/// False if the client is gone.
bool EventStreams::SendBatch(Viewer& viewer, const StreamBatch& batch) {
  if (batch.reset) {
    viewer.last_id.clear();
    if (!viewer.stream->Send({}, "reset", "{}")) return false;
  }
  for (const StreamEvent& event : batch.events) {
    if (!viewer.stream->Send(event.id, event.event, event.data)) return false;
    if (!event.id.empty()) viewer.last_id = event.id;
  }
  return true;
}

void EventStreams::AskAgainSoon(const ViewerRef& viewer) {
  loop_->After(kCatchUp, [weak = weak_from_this(), viewer] {
    const auto self = weak.lock();
    if (!self || !viewer->joined || !std::exchange(viewer->again, false)) return;
    self->Ask(viewer);
  });
}

void EventStreams::Join(const ViewerRef& viewer, const std::string& channel) {
  if (viewer->joined && viewer->channel == channel) return;
  Leave(viewer);
  viewer->channel = channel;
  viewer->joined = true;
  channels_[channel].insert(viewer);
  ++open_;
  ScheduleTick();
}

void EventStreams::Leave(const ViewerRef& viewer) {
  if (!std::exchange(viewer->joined, false)) return;
  const auto it = channels_.find(viewer->channel);
  it->second.erase(viewer);
  if (it->second.empty()) channels_.erase(it);
  --open_;
}

void EventStreams::Tick() {
  const auto now = Clock::now();
  std::vector<ViewerRef> due;
  for (const auto& channel : channels_) {
    for (const ViewerRef& viewer : channel.second) {
      if (now - viewer->asked >= ask_every_) due.push_back(viewer);
    }
  }
  for (const ViewerRef& viewer : due) Ask(viewer);
  if (!channels_.empty()) ScheduleTick();
}

void EventStreams::ScheduleTick() {
  if (std::exchange(ticking_, true)) return;
  loop_->After(std::min(ask_every_, kTickMax), [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->ticking_ = false;
    self->Tick();
  });
}

}  // namespace reprise::runtime
