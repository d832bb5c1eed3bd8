/// Concert: pipelines/concert with its real plugins in a World, and what must hold of their rows
/// after every turn (Step) and whenever nothing is under way (Quiet).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "app/world.h"

namespace reprise::runtime {

constexpr std::int64_t kStartPoints = 1'000'000'000;
constexpr Millis kHold{300'000};  // how long reservation.yaml holds a seat
constexpr Millis kMs{1}, kSecond{1'000}, kMinute{60'000};

class Concert {
 public:
  struct Answer {
    int status = 0;
    json::object body;
    std::string Text(const std::string& field) const { return Payload(body).Text(field); }
  };
  struct Size {
    int rows = 5, per_row = 10;
  };

  explicit Concert(bool hop_commits = true, Size size = {5, 10});
  bool ok() const { return world_ != nullptr; }
  World& world() { return *world_; }
  Time Now() { return world_->clock().Now(); }

  // ---- people
  void Join(const std::vector<std::string>& users);
  static HttpRequest Ask(const std::string& path, json::object body);
  HttpRequest AsksFor(const std::string& user, const std::string& seat) const;
  HttpRequest Pays(const std::string& user, const std::string& reservation) const;
  /// The reservation's id, once it is held.
  std::string Reserve(const std::string& user, const std::string& seat);
  /// The payment's id.
  std::string Pay(const std::string& user, const std::string& reservation);
  Answer Request(const HttpRequest& request);
  static Answer Read(const HttpResponse& response);
  /// A person undoes a saga; nothing runs yet.
  void PostUndo(const std::string& saga);
  void Undo(const std::string& saga);

  // ---- what is in flight: a step that is delayed is a message that nobody takes yet
  void Delay(const std::string& step, const std::string& user = "") {
    Fault(step, "retry:999", user);
  }
  void Break(const std::string& step, const std::string& user = "") { Fault(step, "fail", user); }
  void Let(const std::string& step);  // takes what was delayed, within two seconds
  void Free(const std::string& step);

  // ---- time; Step() holds after each turn
  void Settle();
  void Jump(Time to);  // straight there, so that all that fell due meanwhile comes in one turn
  void Advance(Millis by);

  // ---- rows
  std::string Sql(const std::string& sql);
  std::string Status(const std::string& reservation);
  std::string Seat(const std::string& seat);
  std::string LastTold(const std::string& user);
  int Told(const std::string& user, const std::string& event);
  void Step();
  void Quiet();
  /// All time passes: nothing stays held, and what is not paid can be had by somebody else.
  void End();

 private:
  void Fault(const std::string& step, const std::string& what, const std::string& user);
  void Nothing(const std::string& what, const std::string& sql);

  std::unique_ptr<World> world_;
  std::map<std::string, std::string> tokens_;
  std::vector<std::pair<std::string, runtime::Fault>> faults_;
};

}  // namespace reprise::runtime
