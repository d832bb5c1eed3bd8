#include "simulation/wire.h"

#include <algorithm>

namespace reprise::runtime::simulation {
namespace {

constexpr Millis kLease{5'000};
constexpr std::size_t kRemembered = 30;  // batches
constexpr Millis kDelays[] = {Millis(1),     Millis(20),     Millis(150),
                              Millis(2'000), Millis(30'000), Millis(120'000)};

Millis DelayOf(Dice& dice, std::string_view place) {
  const Millis most = kDelays[dice.Below(place, std::size(kDelays))];
  return Millis(
      1 + static_cast<std::int64_t>(dice.Below(place, static_cast<std::size_t>(most.count()))));
}

}  // namespace

/// A process's end of the wire.
class Port : public Bus {
 public:
  Port(Wire& wire, int process, Bus& stored) : wire_(wire), process_(process), stored_(stored) {}

  Result<std::vector<Message>> Poll(std::size_t most) override {
    return wire_.Poll(process_, most);
  }
  void Return(std::vector<Message> messages) override {
    wire_.Return(process_, std::move(messages));
  }
  Status Publish(std::span<const Message> outbox) override {
    if (!outbox.empty() && wire_.dice_.Strikes("die while publishing", 0.01)) {
      const std::size_t sent = wire_.dice_.Below("how much was published", outbox.size() + 1);
      for (const Message& message : outbox.subspan(0, sent)) wire_.Put(message);
      throw ProcessDied{process_};
    }
    wire_.Publish(process_, outbox);
    return stored_.Publish({});  // records for topics of others
  }
  Result<std::int64_t> Lag() override { return static_cast<std::int64_t>(wire_.size()); }
  std::optional<Time> Oldest() override { return std::nullopt; }  // nobody scrapes it

 private:
  Wire& wire_;
  const int process_;
  Bus& stored_;
};

std::unique_ptr<Bus> Wire::PortOf(int process, Bus& stored) {
  return std::make_unique<Port>(*this, process, stored);
}

bool Wire::Owns(int process, const Message& message) const {
  std::vector<int> alive;
  for (std::size_t i = 0; i < alive_.size(); ++i) {
    if (alive_[i]) alive.push_back(static_cast<int>(i));
  }
  if (alive.empty()) return false;
  std::uint64_t hash = generation_;
  for (const char c : message.key) hash = hash * 31 + static_cast<unsigned char>(c);
  return alive[(hash * 31 + message.step) % alive.size()] == process;
}

// ---------------------------------------------------------------- deaths

void Wire::Die(int process) {
  alive_[static_cast<std::size_t>(process)] = false;
  Return(process, std::exchange(polled_[process], {}));
  std::vector<Message> left = std::exchange(unpublished_[process], {});
  if (!left.empty()) leftovers_.push_back({std::move(left), clock_.Now() + kLease});
}

void Wire::PowerCut() {
  lanes_.clear();
  repeated_messages_.clear();
  polled_.clear();
  unpublished_.clear();
  leftovers_.clear();
  published_.clear();
}

void Wire::Load(std::vector<Message> stored) {
  for (Message& message : stored) {
    auto& lane = lanes_[LaneOf(message)];
    lane.push_back({std::move(message), clock_.Now()});
  }
}

/// Somebody publishes all of what the dead one had not, or not known to have, published.
void Wire::Adopt() {
  for (std::size_t i = 0; i < leftovers_.size();) {
    if (leftovers_[i].lease_end > clock_.Now()) {
      ++i;
      continue;
    }
    ++adopted_;
    for (const Message& message : leftovers_[i].outbox) Put(message);
    leftovers_.erase(leftovers_.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

// ---------------------------------------------------------------- on the way

void Wire::Committed(int process, std::span<const Message> outbox, bool consumed) {
  if (consumed) {
    for (const Message& message : std::exchange(polled_[process], {})) {
      if (dice_.Strikes("deliver again", 0.04)) Again(message);
    }
  }
  std::vector<Message>& left = unpublished_[process];
  left.insert(left.end(), outbox.begin(), outbox.end());
}

void Wire::Publish(int process, std::span<const Message> outbox) {
  unpublished_[process].clear();
  if (outbox.empty()) return;
  for (const Message& message : outbox) Put(message);
  if (!published_.empty() && dice_.Strikes("publish an old batch again", 0.01)) {
    for (const Message& message : published_[dice_.Below("which old batch", published_.size())])
      Again(message);
  }
  published_.emplace_back(outbox.begin(), outbox.end());
  if (published_.size() > kRemembered) published_.pop_front();
}

void Wire::Put(const Message& message) {
  Time from = clock_.Now();
  if (dice_.Strikes("delay a message", 0.12)) from += DelayOf(dice_, "how late");
  lanes_[LaneOf(message)].push_back({message, from});
  if (dice_.Strikes("deliver twice", 0.04)) Again(message);
}

void Wire::Again(const Message& message) {
  repeated_messages_.push_back({message, clock_.Now() + DelayOf(dice_, "how late again")});
}

/// Some of the lanes, some of each, in any order of lanes; copies come anywhere between.
std::vector<Message> Wire::Poll(int process, std::size_t most) {
  Adopt();
  const Time now = clock_.Now();
  const auto ready = [&](const std::deque<Waiting>& lane) {
    return !lane.empty() && lane.front().from <= now && Owns(process, lane.front().message);
  };
  std::vector<std::map<Lane, std::deque<Waiting>>::iterator> lanes;
  for (auto it = lanes_.begin(); it != lanes_.end(); ++it) {
    if (ready(it->second)) lanes.push_back(it);
  }
  std::vector<Message> out;
  const std::size_t some = 1 + dice_.Below("batch", std::min<std::size_t>(most, 12));
  while (!lanes.empty() && out.size() < some) {
    const std::size_t at = dice_.Below("lane", lanes.size());
    std::deque<Waiting>& lane = lanes[at]->second;
    out.push_back(std::move(lane.front().message));
    lane.pop_front();
    if (ready(lane)) continue;
    if (lane.empty()) lanes_.erase(lanes[at]);
    lanes.erase(lanes.begin() + static_cast<std::ptrdiff_t>(at));
  }
  TakeRepeated(process, out);
  if (out.size() > most) {
    out.resize(most);  // only copies can be too many, and those may be lost
  }
  polled_[process] = out;
  return out;
}

void Wire::TakeRepeated(int process, std::vector<Message>& out) {
  for (std::size_t i = 0; i < repeated_messages_.size();) {
    Waiting& copy = repeated_messages_[i];
    if (copy.from > clock_.Now() || !Owns(process, copy.message)) {
      ++i;
      continue;
    }
    ++repeated_;
    out.insert(out.begin() + static_cast<std::ptrdiff_t>(dice_.Below("place", out.size() + 1)),
               std::move(copy.message));
    repeated_messages_.erase(repeated_messages_.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

void Wire::Return(int process, std::vector<Message> messages) {
  polled_[process].clear();
  for (auto it = messages.rbegin(); it != messages.rend(); ++it)
    lanes_[LaneOf(*it)].push_front({std::move(*it), clock_.Now()});
}

std::optional<Time> Wire::Next() const {
  std::optional<Time> next;
  const auto take = [&](Time at) {
    if (!next || at < *next) next = at;
  };
  for (const auto& [name, lane] : lanes_) {
    if (!lane.empty()) take(lane.front().from);
  }
  for (const Waiting& copy : repeated_messages_) take(copy.from);
  for (const Leftover& left : leftovers_) take(left.lease_end);
  return next;
}

std::size_t Wire::size() const {
  std::size_t count = repeated_messages_.size() + leftovers_.size();
  for (const auto& [name, lane] : lanes_) count += lane.size();
  return count;
}

bool Wire::empty() const {
  return size() == 0;
}

}  // namespace reprise::runtime::simulation
