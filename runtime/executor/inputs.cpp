#include "executor/inputs.h"

#include <algorithm>
#include <utility>

#include "model/input.h"

namespace reprise::runtime {
namespace {

constexpr Millis kCheckWithin{30'000};

}  // namespace

void Inputs::Take(Work& work) {
  for (const Message& message : work.messages) {
    if (message.input()) work.arrivals.push_back(Read(message.record, message.id, ""));
  }
  for (Start& start : work.starts) {
    if (!start.record) continue;
    Arrival arrival = Read(start.record, Uuid{}, "");
    arrival.fed = std::exchange(start, {});
    arrival.fed->record = arrival.record;
    work.arrivals.push_back(std::move(arrival));
  }
  std::erase_if(work.starts, [](const Start& start) { return !start.pipeline; });
  TakeReplays(work);
}

void Inputs::TakeReplays(Work& work) {
  for (const Verb& verb : work.verbs) {
    if (verb.what != "dlq-replay") continue;
    const auto letter = x_.journal_.FindDeadLetter(verb.letter);
    if (!letter || !*letter || !(*letter)->record || !(*letter)->record->foreign) continue;
    work.again.insert_or_assign(verb.letter,
                                Read((*letter)->record, (*letter)->message, (*letter)->pipeline));
  }
}

Arrival Inputs::Read(RecordRef record, const Uuid& message, std::string_view pipeline) {
  Arrival out;
  out.record = std::move(record);
  for (const Plan* plan : x_.plans_.current()) {
    if (!pipeline.empty() && plan->pipeline->name != pipeline) continue;
    for (const Topic& topic : plan->pipeline->topics) {
      if (topic.name == out.record->topic) ReadFor(*plan, topic, message, out);
    }
  }
  return out;
}

void Inputs::ReadFor(const Plan& plan, const Topic& topic, const Uuid& message, Arrival& out) {
  std::string code = "unreadable";
  auto input = ReadInput(*plan.pipeline, topic, *out.record);
  Status fine = input ? Status() : Status(input.error());
  if (fine) {
    json::object fields = input->root.object();
    fine = Check(plan, topic, fields, code);
    if (fine) {
      Start start;
      start.pipeline = plan.pipeline;
      start.event = topic.start;
      start.root = Payload(std::move(fields));
      start.id = input->saga;
      out.starts.push_back(std::move(start));
      return;
    }
  }
  DeadLetter letter;
  letter.message = Derived(message, {"input", plan.pipeline->name});
  letter.pipeline = plan.pipeline->name;
  letter.step = "topic " + topic.name;
  letter.event = topic.start;
  letter.phase = Name(Phase::kDo);
  letter.code = code;
  letter.detail = fine.error().message;
  letter.payload = out.record->value;
  letter.key = out.record->key;
  letter.record = out.record;
  letter.at = now_;
  out.letters.push_back(std::move(letter));
}

/// As for a request: each check adds fields, none that the record has, or refuses.
Status Inputs::Check(const Plan& plan, const Topic& topic, json::object& fields,
                     std::string& code) {
  const json::object record = fields;
  for (const QuestionRef& question : topic.check) {
    const Payload so_far(fields);
    Asked asked;
    asked.fields = &so_far;
    asked.now = now_;
    asked.deadline = now_ + kCheckWithin;
    asked.sql = &x_.journal_.reads();
    asked.journal = &x_.journal_;
    asked.pipeline = plan.pipeline->name;
    x_.plugins_.Ask(question, asked);
    if (asked.kind != Asked::kAdd) {
      code = asked.code.empty() ? "internal" : asked.code;
      return Error{Code::kInvalid,
                   question.name() + (asked.detail.empty() ? " said no" : ": " + asked.detail)};
    }
    for (auto& [name, value] : asked.fields_out) {
      if (record.contains(name)) {
        code = "internal";
        return Error{Code::kInvalid, question.name() + " set the field '" + std::string(name) +
                                         "', which the record has (plugin's fault)"};
      }
      fields[name] = std::move(value);
    }
  }
  return {};
}

}  // namespace reprise::runtime
