#include "admin/lanes.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "admin/body.h"
#include "base/log.h"
#include "base/suggest.h"

namespace reprise::runtime {
namespace {

Answer NoLanes() {
  return Answer::Problem(404, "no_lanes", "this engine has no lanes: only the cluster has");
}

std::string Named(const std::string& topic, std::int64_t partition) {
  return fmt::format("{}:{}", topic, partition);
}

std::optional<std::int64_t> Number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

// "topic:3" and "topic[3]"; a topic's name has neither sign.
Status ReadName(std::string_view name, LaneOrder& order) {
  const std::size_t mark = name.find_first_of(":[");
  order.topic = name.substr(0, mark);
  if (mark == std::string_view::npos) return {};
  std::string_view number = name.substr(mark + 1);
  const bool closed = number.ends_with(']');
  if (closed) number.remove_suffix(1);
  order.partition = Number(number);
  if (order.partition && closed == (name[mark] == '[')) return {};
  return Error{Code::kInvalid, fmt::format("'{}' names no lane: say TOPIC:PARTITION", name)};
}

Answer NoSuchLane(const LaneOrder& order, const std::vector<LaneDesk::Row>& rows) {
  std::vector<std::string> topics;
  for (const LaneDesk::Row& row : rows) topics.push_back(row.topic);
  const std::string name = order.partition ? Named(order.topic, *order.partition) : order.topic;
  return Answer::Problem(
      404, "no_such_lane",
      fmt::format("nobody ever worked on a lane {}{}", name, DidYouMean(order.topic, topics)));
}

}  // namespace

Answer ListLanesJson(const View& view) {
  if (view.desk == nullptr) return NoLanes();
  const auto rows = view.desk->List();
  if (!rows) return Answer::Failed(rows.error());
  json::array lanes;
  for (const LaneDesk::Row& row : *rows) {
    json::object lane{{"lane", Named(row.topic, row.partition)},
                      {"topic", row.topic},
                      {"partition", row.partition},
                      {"epoch", row.epoch}};
    if (row.next_offset >= 0) lane["next"] = row.next_offset;
    if (!row.worker.nil()) lane["worker"] = row.worker.ToString();
    if (!row.why.empty()) lane["stopped"] = row.why;
    lanes.push_back(std::move(lane));
  }
  return Answer::Of({{"lanes", std::move(lanes)}});
}

Result<LaneOrder> ReadLaneOrder(const HttpRequest& request, std::string_view name) {
  LaneOrder order;
  if (const Status read = ReadName(name, order); !read) return read.error();
  const auto body = ReadBody(request, {"from", "why", "who"});
  if (!body) return body.error();
  for (const auto& [field, to] : {std::pair{"why", &order.why}, std::pair{"who", &order.who}}) {
    auto text = TextField(body->object(), field);
    if (!text) return text.error();
    *to = std::move(*text);
  }
  if (order.who.empty()) order.who = "http@" + request.remote;
  if (const json::value* from = body->Find("from")) {
    if (!from->is_int64() || from->get_int64() < 0)
      return Error{Code::kInvalid, "'from' must be an offset"};
    order.from = from->get_int64();
  }
  return order;
}

Answer ResumeLanes(const View& view, const LaneOrder& order) {
  if (view.desk == nullptr) return NoLanes();
  auto rows = view.desk->List();
  if (!rows) return Answer::Failed(rows.error());
  std::vector<LaneDesk::Row> lanes;
  for (const LaneDesk::Row& row : *rows) {
    if (row.topic == order.topic && row.partition == order.partition.value_or(row.partition))
      lanes.push_back(row);
  }
  if (lanes.empty()) return NoSuchLane(order, *rows);
  std::erase_if(lanes, [](const LaneDesk::Row& row) { return row.why.empty(); });
  if (lanes.empty())
    return Answer::Problem(409, "not_stopped", "it does not stand still: nothing to resume");
  if (order.from && lanes.size() > 1) {
    return Answer::Problem(
        400, "which_lane",
        fmt::format("an offset is one lane's, and {} of {} stand still: say {}", lanes.size(),
                    order.topic, Named(lanes[0].topic, lanes[0].partition)));
  }
  json::array resumed;
  for (const LaneDesk::Row& row : lanes) {
    const std::string lane = Named(row.topic, row.partition);
    const auto from = view.desk->Resume(row.topic, row.partition, order.from);
    if (!from) return Answer::Failed({from.error().code, lane + ": " + from.error().message});
    Log(LogLevel::kWarn, "a lane that stood still goes on",
        {{"lane", lane}, {"from", *from}, {"who", order.who}, {"why", order.why}});
    resumed.push_back(json::object{{"lane", lane}, {"from", *from}});
  }
  return Answer::Of({{"resumed", std::move(resumed)}});
}

}  // namespace reprise::runtime
