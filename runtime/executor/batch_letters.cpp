/// What could not be handled: a row of the journal and, where there is a wire, a record of the
/// topic of dead letters, both in this transaction.
#include "base/failpoint.h"
#include "base/log.h"
#include "executor/batch.h"

namespace reprise::runtime {
namespace {

constexpr std::string_view kPrefix = "reprise-dlq-";
constexpr std::size_t kDetailMax = 1000;

/// The record as it came, or what others need to read a message of ours.
Headers Original(const DeadLetter& letter) {
  Headers out;
  if (letter.record) {
    for (const auto& header : letter.record->headers) {
      if (!header.first.starts_with(kPrefix)) out.push_back(header);  // of an earlier death
    }
    return out;
  }
  out = EventHeaders(letter.message.ToString(),
                     letter.event.empty() ? "reprise.command" : letter.event,
                     "/reprise/" + letter.pipeline + "/" + letter.step, letter.at);
  out.emplace_back("content-type", "application/json");
  if (!letter.key.empty()) out.emplace_back("ce_subject", letter.key);
  if (!letter.saga.nil()) out.emplace_back("ce_sagaid", letter.saga.ToString());
  out.emplace_back("ce_sagastep", letter.step);
  out.emplace_back("ce_sagaphase", letter.phase);
  return out;
}

/// Numbers are text, as readers of other dead letters expect.
Headers WithReasons(const DeadLetter& letter) {
  Headers out = Original(letter);
  const auto add = [&](std::string_view name, std::string value) {
    if (!value.empty()) out.emplace_back(std::string(kPrefix).append(name), std::move(value));
  };
  if (letter.record) {
    add("original-topic", letter.record->topic);
    if (letter.record->partition >= 0)
      add("original-partition", std::to_string(letter.record->partition));
    if (letter.record->offset >= 0) add("original-offset", std::to_string(letter.record->offset));
  }
  add("error-code", letter.code);
  add("error-message", letter.detail.substr(0, kDetailMax));
  add("pipeline", letter.pipeline);
  add("step", letter.step);
  add("attempts", std::to_string(letter.attempts));
  if (!letter.saga.nil()) add("saga-id", letter.saga.ToString());
  return out;
}

}  // namespace

/// False: this message is a dead letter already.
Result<bool> Batch::Bury(const DeadLetter& letter) {
  after_.letter = true;
  FAILPOINT("letter.before");
  auto added = tx_.AddDeadLetter(letter);
  x_.metrics_.Count("reprise_dlq_published_total",
                    {{"topic", letter.pipeline}, {"reason", letter.code}});
  if (!added || !*added || x_.options_.dead_topic.empty()) return added;
  Transaction::Foreign record{x_.options_.dead_topic, letter.key, letter.payload, letter.at};
  record.headers = WithReasons(letter);
  if (letter.record) {
    record.at = letter.record->at;
    record.has_value = letter.record->has_value;
  }
  after_.sent.push_back(std::move(record));
  return added;
}

void Batch::DeadLetterOf(const Message& message, const std::string& code, const std::string& detail,
                         bool counted) {
  const std::string& dead_topic = x_.options_.dead_topic;
  if (message.refused && !dead_topic.empty() && message.event == dead_topic) {
    // It is in the journal since before it was sent; a letter about the letter would go the same
    // way.
    return Log(LogLevel::kError, "the topic of dead letters does not take one",
               {{"key", message.key}, {"why", detail}});
  }
  const Plan* plan = x_.plans_.Find(message.plan);
  const bool known = plan && message.step < plan->steps.size();
  DeadLetter letter;
  letter.message = message.id;
  letter.saga = message.saga;
  letter.pipeline = message.pipeline;
  letter.step = known                                       ? plan->step(message.step).name
                : message.record && message.record->foreign ? "topic " + message.record->topic
                                                            : std::to_string(message.step);
  letter.event = message.event;
  letter.phase = Name(message.phase);
  letter.code = code;
  letter.detail = detail;
  letter.payload = message.broken.empty() ? message.payload.Serialize() : message.raw;
  letter.key = message.key;
  letter.side = known && plan->step(message.step).side;
  letter.at = now_;
  letter.record = message.record;
  const auto added = Bury(letter);
  if (added && *added && counted && known && !letter.side) {
    Attempt attempt;
    attempt.plan = plan;
    attempt.step = message.step;
    attempt.row.saga = message.saga;
    Fact fact;
    fact.step = message.step;
    fact.delta = -1;
    Happen(attempt, std::move(fact));
  }
}

}  // namespace reprise::runtime
