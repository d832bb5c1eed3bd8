/// One run of Decide: the saga as it changes, and what follows.  Private to model/.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "model/decide.h"

namespace reprise::runtime {

class Deciding {  // Threads: one; lives for one call.
 public:
  Deciding(const Pipeline& pipeline, const Saga& saga, const Fact& fact)
      : pipeline_(pipeline), before_(saga), fact_(fact), saga_(decision_.saga) {
    saga_ = saga;
  }

  Decision Run();

 private:
  enum class Failure { kHeld, kDead, kUndo };

  // decide.cpp: what steps do
  void Send(std::vector<Command> commands);
  void Done();
  void Failed();
  Failure Fail(StepIndex index, const std::string& code, const std::string& detail);
  Failure GiveUp(StepIndex index, const std::string& code);
  void Widen(StepSet more, const std::string& code);
  void Reopen(SagaState state);
  StepSet Lasts() const;
  void Wave();
  void Through(StepIndex step, bool last);
  void Settled();
  void Stuck();
  bool InVain(StepIndex join) const;
  void FailHalfJoins();
  void Finish();

  // verbs.cpp: what people and the clock ask for
  void Refuse(const char* why) { decision_.refused = why; }
  void Cancel(const char* code);
  void Retry();
  void Skip();
  void Resolve();

  const Pipeline& pipeline_;
  const Saga& before_;
  const Fact& fact_;
  Decision decision_;
  Saga& saga_;  // decision_.saga
};

}  // namespace reprise::runtime
