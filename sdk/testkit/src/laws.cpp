// The laws of an action: what must hold whatever fails, tried one after other from the same state.
#include <algorithm>
#include <iterator>
#include <sstream>

#include "call.h"

namespace reprise::testkit {
namespace {

/// Where a run ended: what the plugin answered and everything that changed.
struct End {
  std::string answer;
  std::vector<std::string> tables, effects;
};

/// The first line that one has and the other lacks; empty: they are equal.
std::string Difference(const std::vector<std::string>& want, const std::vector<std::string>& is) {
  std::vector<std::string> lacks, extra;
  std::set_difference(want.begin(), want.end(), is.begin(), is.end(), std::back_inserter(lacks));
  std::set_difference(is.begin(), is.end(), want.begin(), want.end(), std::back_inserter(extra));
  std::string text;
  if (!lacks.empty()) text += "gone: " + lacks.front();
  if (!extra.empty()) text += (text.empty() ? "" : "; ") + ("new: " + extra.front());
  return text;
}

std::string Difference(const End& want, const End& is) {
  if (want.answer != is.answer) return "answered " + is.answer + ", not " + want.answer;
  const std::string tables = Difference(want.tables, is.tables);
  return tables.empty() ? Difference(want.effects, is.effects) : tables;
}

std::string Shown(const Ran& ran) {
  std::ostringstream text;
  text << ran;
  if (ran.http != 0) text << " responded " << ran.http << ' ' << ToText(ran.response);
  return text.str();
}

class Trial {
 public:
  Trial(Host& host, const Bound& bound, const Fields& input, std::vector<std::string>& broken)
      : host_(host),
        bound_(bound),
        input_(input),
        broken_(broken),
        before_(host.Dump(bound.remains)),
        saga_(host.NewSaga()) {}

  /// False: the input is of no use for the laws.
  bool Reference() {
    const Attempt attempt(host_);
    did_ = Do(1);
    if (!did_.done())
      return Break("Do must answer Done for the laws to be tried, it answered " + Shown(did_));
    done_ = EndOf(did_);
    if (bound_.action->can_undo == 0) return true;
    undid_ = Undo(1);
    if (!Settled(undid_)) return Break("Undo after Do answered " + Shown(undid_));
    undone_ = EndOf(undid_);
    if (undid_.done())
      Expect("undo restores the tables", Difference(before_, host_.Dump(bound_.remains)));
    const std::vector<std::string> once = host_.Dump(bound_.remains);
    const Ran twice = Undo(2);
    if (!Settled(twice)) Break("undo twice is undo once: the second answered " + Shown(twice));
    Expect("undo twice is undo once", Difference(once, host_.Dump(bound_.remains)));
    return true;
  }

  void UndoWithoutDo() {
    const Attempt attempt(host_);
    const Ran ran = host_.Run(bound_, {Phase::kUndo, saga_, {}, input_, input_, 1, Last::kNever});
    if (!Settled(ran)) Break("undo without do changes nothing: it answered " + Shown(ran));
    Expect("undo without do changes nothing", Difference(before_, host_.Dump(bound_.remains)));
  }

  void DoTwice() {
    const Attempt attempt(host_);
    Do(1);
    Expect("do twice is do once", Difference(done_, EndOf(Do(2))));
  }

  void FaultsOfDo() {
    EachCall(
        "do", [this](int attempt) { return Do(attempt); }, [] {}, done_);
  }
  void FaultsOfUndo() {
    EachCall(
        "undo", [this](int attempt) { return Undo(attempt); }, [this] { did_ = Do(1); }, undone_);
  }

 private:
  /// From here on, everything is taken back.
  struct Attempt {
    explicit Attempt(Host& its_host) : host(its_host) { host.Remember(); }
    ~Attempt() { host.Restore(); }
    Attempt(const Attempt&) = delete;
    Attempt& operator=(const Attempt&) = delete;
    Host& host;
  };

  static bool Settled(const Ran& ran) { return ran.done() || ran.kept(); }

  Ran Do(int attempt) {
    return host_.Run(bound_, {Phase::kDo, saga_, {}, input_, input_, attempt, Last::kDone});
  }
  Ran Undo(int attempt) {
    return host_.Run(bound_,
                     {Phase::kUndo, saga_, did_.memo, input_, input_, attempt, Last::kDone});
  }
  End EndOf(const Ran& ran) const { return {Shown(ran), host_.Dump({}), host_.Effects()}; }

  bool Break(const std::string& sentence) {
    if (std::find(broken_.begin(), broken_.end(), sentence) == broken_.end())
      broken_.push_back(sentence);
    return false;
  }
  void Expect(const std::string& law, const std::string& difference) {
    if (!difference.empty()) Break(law + ": " + difference);
  }

  /// A fault, then a crash, at each host call; then the next attempt.
  template <class Run, class Prepare>
  void EachCall(const std::string& phase, Run run, Prepare prepare, const End& want) {
    for (int n = 1;; ++n) {
      const Attempt attempt(host_);
      prepare();
      host_.fail_call = n;
      if (!Again(phase + ", a fault at host call " + std::to_string(n), n, run, want)) break;
    }
    if (bound_.action->external != 0 && bound_.action->idempotent == 0)
      return;  // then a person decides
    for (int n = 0;; ++n) {
      const Attempt attempt(host_);
      prepare();
      host_.crash_after = n;
      if (!Again(phase + ", a crash after host call " + std::to_string(n), n, run, want)) break;
    }
  }

  /// False: the call has fewer host calls than that.
  template <class Run>
  bool Again(const std::string& what, int n, Run run, const End& want) {
    Ran ran = run(1);
    if (ran.calls < n) return false;
    if (ran.failed())
      return Break(what +
                   ", then a retry, ends as if nothing had failed: it was final: " + Shown(ran)),
             true;
    if (!Settled(ran)) ran = run(2);
    Expect(what + ", then a retry, ends as if nothing had failed", Difference(want, EndOf(ran)));
    return true;
  }

  Host& host_;
  const Bound& bound_;
  const Fields& input_;
  std::vector<std::string>& broken_;
  const std::vector<std::string> before_;
  const std::string saga_;
  Ran did_, undid_;
  End done_, undone_;
};

/// The answers and changes of all inputs, in one batch or one by one.
std::vector<End> RunInputs(Host& host, const Bound& bound, const std::vector<Fields>& inputs,
                           bool batch, bool& batched) {
  std::vector<Order> orders;
  orders.reserve(inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    orders.push_back({Phase::kDo,
                      "00000000-0000-7000-8000-0000000bbb" + std::to_string(10 + i),
                      {},
                      inputs[i],
                      inputs[i]});
  }
  host.Remember();
  std::vector<Ran> ran;
  ran.reserve(orders.size());
  if (batch)
    ran = host.RunAll(bound, orders, batched);
  else
    for (const Order& order : orders) ran.push_back(host.Run(bound, order));
  std::vector<End> ends;
  ends.reserve(ran.size());
  for (const Ran& one : ran) ends.push_back({Shown(one), host.Dump({}), host.Effects()});
  host.Restore();
  return ends;
}

void AllIsOneByOne(Host& host, const Bound& bound, const std::vector<Fields>& inputs,
                   std::vector<std::string>& broken) {
  bool batched = false;
  const std::vector<End> want = RunInputs(host, bound, inputs, false, batched);
  const std::vector<End> is = RunInputs(host, bound, inputs, true, batched);
  if (!batched) broken.emplace_back("DoAll equals Do one by one: it gave up");
  for (std::size_t i = 0; i < inputs.size() && batched; ++i) {
    const std::string difference = Difference(want[i], is[i]);
    if (!difference.empty())
      broken.push_back("DoAll equals Do one by one: item " + std::to_string(i) + ": " + difference);
  }
}

}  // namespace

std::vector<std::string> BrokenLaws(Host& host, const Bound& bound,
                                    const std::vector<Fields>& inputs) {
  std::vector<std::string> broken;
  for (const Fields& input : inputs) {
    Trial trial(host, bound, input, broken);
    if (!trial.Reference()) continue;
    if (bound.action->idempotent != 0) trial.DoTwice();
    trial.FaultsOfDo();
    if (bound.action->can_undo == 0) continue;
    trial.UndoWithoutDo();
    trial.FaultsOfUndo();
  }
  if (bound.action->run_do_all != nullptr) AllIsOneByOne(host, bound, inputs, broken);
  return broken;
}

}  // namespace reprise::testkit
