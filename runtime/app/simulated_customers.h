/// SimulatedCustomers: who asks a simulated runtime, knowing nothing of it but its routes.
///
/// A customer remembers every field of every answer and gives it back where a field of that name is
/// asked for; what nobody has told him he makes up from the field's type.  He asks again under the
/// same Idempotency-Key when no answer comes, and sometimes when one came.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "app/simulated_memory.h"
#include "app/simulated_world.h"

namespace reprise::runtime {

/// What a route refused: "POST /bills", "not_open", "it is expired".
struct Refusal {
  std::string route, code, detail;
};

class SimulatedCustomers {  // Threads: one.
 public:
  SimulatedCustomers(SimulatedWorld& world, int most);

  /// Whoever's time has come does something; false: nobody's has.
  bool Act();
  /// When the next one will, if one waits for his time.
  std::optional<Time> Next() const;
  /// All have done what they wanted.
  bool done() const;

  const std::vector<Refusal>& refusals() const { return refusals_; }
  /// Sagas that an answer promised.
  const std::vector<Uuid>& accepted() const { return accepted_; }

 private:
  struct Asked {
    HttpRequest request;
    std::string route;
    bool begins = false;   // a saga: once for one key
    std::string answered;  // the 2xx answer to this key, if there was one
    std::string wish;      // what he hopes to get on with
    int tries = 0;
  };
  struct Customer {
    Customer(int n, SimulatedMemory own) : number(n), memory(std::move(own)) {}
    int number = 0, left = 0;
    Time next{};
    bool waiting = false;
    SimulatedMemory memory;
    std::optional<Asked> again;        // to be asked once more
    std::vector<const Route*> before;  // what a newcomer asks first
    std::set<std::string> used;        // "POST /bills orderId=7": he had that wish fulfilled
    int keys = 0;
  };

  void Arrive(Customer& customer);
  void AskSomething(Customer& customer);
  const Route* Progress(Customer& customer, std::string& wish);
  void BeginSomething(Customer& customer);
  void Send(Customer& customer, Asked asked);
  void Answered(Customer& customer, Asked asked, const HttpResponse* answer);
  void Check(Asked& asked, const HttpResponse& answer);
  Asked Compose(Customer& customer, const Route& route);
  std::string PathValue(Customer& customer, const Route& route, const std::string& before,
                        const std::string& name);
  const SimulatedMemory& MemoryFor(const Customer& customer, const std::string& name);
  json::value ValueOf(const Customer& customer, const std::string& name, const BodyType& type);
  void Wait(Customer& customer);

  SimulatedWorld& world_;
  simulation::Dice& dice_;
  std::vector<Customer> customers_;
  std::vector<const Route*> routes_;
  struct Beginning {
    PipelineRef pipeline;
    std::string event;
  };
  std::vector<Beginning> beginnings_;  // of pipelines without routes that begin sagas
  std::vector<Refusal> refusals_;
  std::vector<Uuid> accepted_;
};

}  // namespace reprise::runtime
