#include "executor/plans.h"

#include "base/log.h"

namespace reprise::runtime {

Status Plans::Add(PipelineRef pipeline, bool current) {
  if (by_hash_.contains(pipeline->hash)) return {};
  auto plan = std::make_unique<Plan>();
  plan->pipeline = pipeline;
  plan->number = by_hash_.size();
  for (const Step& step : pipeline->steps) {
    BoundStep bound;
    bound.step = &step;
    bound.lane = LaneBase(pipeline->name, step.name);
    if (step.kind == StepKind::kAction) {
      auto action = plugins_.Bind(step);
      if (!action) {
        return Error{action.error().code,
                     pipeline->name + "." + step.name + ": " + action.error().message};
      }
      bound.action = std::move(*action);
    }
    const auto cell = [&](std::string_view phase, std::string_view outcome) {
      return &metrics_.CounterOf("reprise_step_attempts_total", {{"pipeline", pipeline->name},
                                                                 {"step", step.name},
                                                                 {"phase", phase},
                                                                 {"outcome", outcome}});
    };
    bound.done = cell("do", "done");
    bound.failed = cell("do", "failed");
    bound.retried = cell("do", "retry");
    bound.undone = cell("undo", "done");
    bound.seconds = &metrics_.HistogramOf("reprise_step_duration_seconds",
                                          {{"pipeline", pipeline->name}, {"step", step.name}});
    plan->steps.push_back(std::move(bound));
  }
  if (current) {
    current_.push_back(plan.get());
    for (const auto& [event, targets] : pipeline->foreign)
      foreign_[event].push_back({plan.get(), &targets});
  }
  by_hash_[pipeline->hash] = std::move(plan);
  return {};
}

const Plan* Plans::Find(std::string_view hash) {
  auto it = by_hash_.find(hash);
  if (it == by_hash_.end() && learn_ && !hash.empty()) {
    if (const Status learnt = learn_(hash); !learnt) {
      Log(LogLevel::kError, "a plan is not known here and cannot be learnt",
          {{"plan", hash}, {"error", learnt.error().message}});
    }
    it = by_hash_.find(hash);
  }
  return it == by_hash_.end() ? nullptr : it->second.get();
}

std::vector<const Plan*> Plans::All() const {
  std::vector<const Plan*> all;
  for (const auto& [hash, plan] : by_hash_) all.push_back(plan.get());
  return all;
}

const Plan* Plans::Current(std::string_view pipeline) const {
  for (const Plan* plan : current_) {
    if (plan->pipeline->name == pipeline) return plan;
  }
  return nullptr;
}

const std::vector<ForeignStart>& Plans::Foreign(std::string_view pipeline,
                                                std::string_view event) const {
  static const std::vector<ForeignStart> kNone;
  if (foreign_.empty()) return kNone;
  std::string name(pipeline);
  name += '/';
  name += event;
  const auto it = foreign_.find(name);
  return it == foreign_.end() ? kNone : it->second;
}

int Plans::HttpOf(const std::string& plugin, const std::string& part, std::string_view code) const {
  const auto it = plugins_.catalog().find(plugin);
  if (it == plugins_.catalog().end()) return 500;
  const ActionInfo* action = it->second.FindAction(part);
  const QuestionInfo* question = it->second.FindQuestion(part);
  const auto& errors = action     ? action->errors
                       : question ? question->errors
                                  : std::vector<ProblemInfo>{};
  for (const ProblemInfo& problem : errors) {
    if (problem.code == code) return problem.http;
  }
  return 500;
}

}  // namespace reprise::runtime
