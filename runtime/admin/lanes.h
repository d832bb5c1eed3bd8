/// Lanes as operators see them, and letting those go on that stand still.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "admin/answer.h"
#include "admin/view.h"
#include "ports/http.h"

namespace reprise::runtime {

/// Answers {lanes: [{lane: "topic:3", topic, partition, epoch, next?, worker?, stopped?}]}.
Answer ListLanesJson(const View& view);

/// `{from?, why, who}` for "topic", "topic:3" or "topic[3]".
struct LaneOrder {
  std::string topic;
  std::optional<std::int64_t> partition;  // none: all of the topic that stand still
  std::optional<std::int64_t> from;       // none: the first that the topic still has
  std::string why, who;
};
/// The error is a sentence for the caller.
Result<LaneOrder> ReadLaneOrder(const HttpRequest& request, std::string_view name);

/// Answers {resumed: [{lane, from}]}; one that fails ends it.
Answer ResumeLanes(const View& view, const LaneOrder& order);

}  // namespace reprise::runtime
