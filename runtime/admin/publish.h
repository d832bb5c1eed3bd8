/// Starting sagas from lines of a file, as root payloads or as records of a topic: `reprise
/// publish`.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/answer.h"
#include "base/ids.h"
#include "ports/ingress.h"

namespace reprise::runtime {

/// One line of a file and how often the very same line occurred before it.
struct PublishLine {
  std::string text;
  std::uint64_t nth = 0;
};

/// The saga id of a line: the same in every run, so that publishing a file again changes nothing.
/// From pipeline, event and the payload's `id` field (text or integer), else from the line and
/// `nth`.
Uuid PublishId(std::string_view pipeline, std::string_view event, const Payload& root,
               const PublishLine& line);

/// Whether publish may send this event: it begins sagas of the pipeline.
bool Starts(const Pipeline& pipeline, std::string_view event);

/// The events that Starts.
std::vector<std::string> StartEvents(const Pipeline& pipeline);

/// Takes the lines of a request: `{"lines": [{"text": .., "nth": ..}]}` if it is JSON by its
/// content type, else plain lines, occurrences counted within the request; empty ones are left out.
Result<std::vector<PublishLine>> ReadLines(std::string_view content_type, std::string_view body);

/// Submits every line and answers {"lines": [{"result": "new" | "existed" | "refused" | "busy",
/// id?, code?, detail?}], new, existed, refused, busy}, in order, once all are committed.  `busy`:
/// send it again.
void Publish(Ingress& ingress, PipelineRef pipeline, const std::string& event,
             const std::vector<PublishLine>& lines, std::function<void(Answer)> answer);

/// The same with each line as the value of a record of this topic, for every pipeline that listens:
/// it is read as the topic says, and checks are made.
void PublishRecords(Ingress& ingress, const std::string& topic,
                    const std::vector<PublishLine>& lines, std::function<void(Answer)> answer);

}  // namespace reprise::runtime
