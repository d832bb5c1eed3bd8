/// Door: what happens to a request before any transaction.  Checks, idempotency, questions: all of
/// it reads what is committed, and answers at once or admits the request to the batch.
///
/// Source  MECHANISMS.md 8 and 9.
#pragma once

#include <optional>
#include <string>

#include "executor/executor.h"
#include "executor/work.h"

namespace reprise::runtime {

class Door {  // Threads: the executor's.
 public:
  Door(Executor& executor, Time now) : x_(executor), now_(now) {}

  /// Answers the request, or adds it to `work.admitted`.
  void Enter(Request request, Work& work);

  /// A stream's question, asked once.
  void AskStream(const Request& request, const std::string& after,
                 const std::function<void(Reply refused, StreamBatch batch)>& answer);

 private:
  /// Runs the checks from `first` to `last`; a refusal is the reply.
  std::optional<Reply> Check(const Request& request, std::size_t first, std::size_t last,
                             json::object& fields);
  std::optional<Reply> FindTwin(Admitted& admitted, Work& work, bool& joined);
  void Answer(Request& request, const json::object& fields);
  Asked Ask(const QuestionRef& question, const Request& request, const Payload& fields);
  Reply Refusal(const QuestionRef& question, const Asked& asked) const;

  Executor& x_;
  const Time now_;
};

}  // namespace reprise::runtime
