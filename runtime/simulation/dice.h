/// Dice: every choice and every fault of a simulated run, drawn from one seed.
///
/// A throw depends on the seed, its place and how often that place threw before, and on nothing
/// else: a fault that is left out moves no other throw of another place.  That is what makes a run
/// repeatable, and its schedule of faults small.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::runtime::simulation {

class Dice {  // Threads: one.
 public:
  explicit Dice(std::uint64_t seed) : seed_(seed) {}

  /// From now on only these faults strike, named as in `struck`; the other throws stay as they are.
  void Only(std::set<std::string> faults) { only_ = std::move(faults); }
  /// From now on no fault strikes.
  void Heal() { healed_ = true; }
  bool healed() const { return healed_; }
  void OnStrike(std::function<void(const std::string& fault)> listener) {
    on_strike_ = std::move(listener);
  }

  std::uint64_t Draw(std::string_view place);
  /// Of 0 .. n-1; n is not 0.
  std::size_t Below(std::string_view place, std::size_t n) {
    return static_cast<std::size_t>(Draw(place) % n);
  }
  bool Chance(std::string_view place, double probability);

  /// Whether the fault of this place strikes now.  A place is quiet in a third of all runs, and
  /// busy in another: rare combinations need some faults often and others never.
  bool Strikes(const std::string& place, double probability);

  /// What struck, in order: "die after commit#3" is the place and its how-manieth throw.
  const std::vector<std::string>& struck() const { return struck_; }

 private:
  struct Place {
    std::uint64_t thrown = 0;
    double factor = -1;  // not drawn yet
  };
  Place& At(std::string_view place);
  double Unit(std::string_view place, std::uint64_t n) const;

  const std::uint64_t seed_;
  std::map<std::string, Place, std::less<>> places_;
  std::optional<std::set<std::string>> only_;
  bool healed_ = false;
  std::function<void(const std::string&)> on_strike_;
  std::vector<std::string> struck_;
};

}  // namespace reprise::runtime::simulation
