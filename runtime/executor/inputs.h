/// Inputs: records of topics of others become starts of the pipelines that listen.  Like the door
/// for requests: before any transaction, on what is committed.
#pragma once

#include "executor/executor.h"
#include "executor/work.h"

namespace reprise::runtime {

class Inputs {  // Threads: the executor's.
 public:
  Inputs(Executor& executor, Time now) : x_(executor), now_(now) {}

  /// Takes the inputs among `work.messages`, the starts that are records, and the dead letters of
  /// inputs that `work.verbs` replay.
  void Take(Work& work);

 private:
  /// `pipeline`: of all that listen, only this one; empty: all.
  Arrival Read(RecordRef record, const Uuid& message, std::string_view pipeline);
  void ReadFor(const Plan& plan, const Topic& topic, const Uuid& message, Arrival& out);
  Status Check(const Plan& plan, const Topic& topic, json::object& fields, std::string& code);
  void TakeReplays(Work& work);

  Executor& x_;
  const Time now_;
};

}  // namespace reprise::runtime
