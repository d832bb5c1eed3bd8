#include "simulation/dice.h"

namespace reprise::runtime::simulation {
namespace {

/// Source  splitmix64, Sebastiano Vigna, 2015 (public domain).
std::uint64_t Mix(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

/// Source  FNV-1a, Fowler, Noll and Vo.  Not std::hash: a seed means the same everywhere.
std::uint64_t Hash(std::string_view text) {
  std::uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  return hash;
}

constexpr double kQuiet = 0.35, kUsual = 0.70;  // of the runs in which a place is quiet, and usual
constexpr double kBusy = 3;

}  // namespace

Dice::Place& Dice::At(std::string_view place) {
  const auto found = places_.find(place);
  return found != places_.end() ? found->second : places_.emplace(place, Place{}).first->second;
}

double Dice::Unit(std::string_view place, std::uint64_t n) const {
  const std::uint64_t bits = Mix(Mix(seed_ ^ Hash(place)) + n);
  return static_cast<double>(bits >> 11) * 0x1.0p-53;
}

std::uint64_t Dice::Draw(std::string_view place) {
  return Mix(Mix(seed_ ^ Hash(place)) + ++At(place).thrown);
}

bool Dice::Chance(std::string_view place, double probability) {
  return Unit(place, ++At(place).thrown) < probability;
}

bool Dice::Strikes(const std::string& place, double probability) {
  if (healed_) return false;
  Place& at = At(place);
  if (at.factor < 0) {
    const double swarm = Unit(place, 0);
    at.factor = swarm < kQuiet ? 0 : swarm < kUsual ? 1 : kBusy;
  }
  const bool drawn = Unit(place, ++at.thrown) < probability * at.factor;
  if (!drawn && !only_) return false;
  std::string name = place + "#" + std::to_string(at.thrown);
  if (only_ ? !only_->contains(name) : !drawn) return false;
  struck_.push_back(std::move(name));
  if (on_strike_) on_strike_(struck_.back());
  return true;
}

}  // namespace reprise::runtime::simulation
