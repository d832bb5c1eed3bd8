// Goal: no interleaving breaks a saga.  Method: walk through all of them.
//
// The first flow is that of the models (one fork, one join; the second variant has `undo: last`).
// Two more have what the models leave out.  Each is walked again with a runtime that is wrong in
// one way, which must be noticed: a check that never fails proves nothing.
#include <initializer_list>
#include <iostream>

#include <gtest/gtest.h>

#include "pipelines.h"
#include "world.h"

namespace reprise::runtime {
namespace {

/// A -> B, A -> C, D on all:[b, c], E on c.
Flow ForkAndJoin(bool last) {
  Flow flow;
  flow.pipeline = PipelineOf()
                      .Main("A", {"go"})
                      .Undoing({"A"})
                      .Main("B", {"A.x"})
                      .Undoing({"A"})
                      .Main("C", {"A.x"})
                      .Undoing({"*"})
                      .Join("D", {"B.x", "C.x"})
                      .Undoing({"B"})
                      .Main("E", {"C.x"})
                      .Undoing({})
                      .With([&](Step& s) { s.undo_last = last; })
                      .Build();
  for (const char* name : {"A", "B", "C", "D", "E"}) {
    flow.conduct[name].fails = true;
    flow.conduct[name].emits = {"x"};
  }
  flow.start = "go";
  flow.budget[kFails] = 2;
  flow.budget[kDups] = 1;
  flow.budget[kCancels] = 1;
  return flow;
}

/// B answers yes or no-go, retries, is held before its failure undoes all; D's undo may stick and
/// halts; J waits for both, and waits in vain after no-go; C ends as a dead letter.
Flow Alternatives() {
  Flow flow;
  const auto once_more = [](Step& s) {
    s.retry.attempts = s.undo_retry.attempts = 2;
    s.retry.immediate = s.undo_retry.immediate = 0;
  };
  flow.pipeline = PipelineOf()
                      .Main("A", {"go"})
                      .Main("B", {"A.x"})
                      .With(once_more)
                      .With([](Step& s) { s.on_failure.hold = Millis(1000); })
                      .Main("C", {"B.yes"})
                      .Undoing({})
                      .Main("D", {"B.yes"})
                      .With(once_more)
                      .With([](Step& s) { s.halt = true; })
                      .Join("J", {"A.x", "C.x"})
                      .Undoing({"J", "B"})
                      .Build();
  flow.conduct["A"].emits = {"x"};
  flow.conduct["B"] = {
      .emits = {"yes", "no"}, .fails = true, .retries = true, .retries_undo = true};
  flow.conduct["C"] = {.emits = {"x"}, .fails = true};
  flow.conduct["D"] = {.fails = true, .sticks = true};
  flow.conduct["J"] = {.fails = true};
  flow.start = "go";
  flow.budget[kFails] = flow.budget[kVerbs] = 2;
  flow.budget[kRetries] = flow.budget[kStucks] = flow.budget[kDups] = flow.budget[kCancels] = 1;
  flow.retry_verb = flow.resolve_verb = true;
  return flow;
}

/// Two inline steps, then a wait whose signal leads to a final step and whose end fails the saga;
/// an external call with a timer behind it; failures of part of it; people told last, by an
/// external call.
Flow WaitsAndCalls() {
  Flow flow;
  const auto external = [](Step& s) {
    s.external = true;
    s.retry.attempts = s.undo_retry.attempts = 2;
    s.retry.immediate = s.undo_retry.immediate = 0;
  };
  const auto wait = [](Step& s) {
    s.kind = StepKind::kWait;
    s.wait_for = "approved";
  };
  const auto fail = [](Step& s) {
    s.kind = StepKind::kFail;
    s.fail_code = "too_late";
  };
  flow.pipeline = PipelineOf()
                      .Main("I", {})
                      .Main("P", {})
                      .Main("W", {"P.paid"})
                      .With(wait)
                      .Main("X", {"P.paid"})
                      .With(external)
                      .Undoing({"X"})
                      .Main("F", {"W.approved"})
                      .With([](Step& s) { s.final = true; })
                      .Main("K", {"W.late"})
                      .With(fail)
                      .Main("G", {"X.due"})
                      .Undoing({"X"})
                      .Main("T", {"I.claimed"})
                      .Undoing({})
                      .With(external)
                      .With([](Step& s) { s.undo_last = true; })
                      .Inline({"I", "P"})
                      .Build();
  flow.inline_emits = {"claimed", "paid"};
  flow.conduct["X"] = {.timers = {"due"}, .fails = true, .retries = true};
  flow.conduct["G"] = {.fails = true};
  flow.conduct["P"] = {.keeps = true};
  flow.conduct["T"] = {.fails = true, .retries = true, .retries_undo = true};
  flow.budget[kFails] = flow.budget[kRetries] = flow.budget[kCancels] = flow.budget[kTimeouts] = 1;
  flow.budget[kKepts] = flow.budget[kVerbs] = 1;
  flow.retry_verb = true;
  return flow;
}

/// `meets`: what must have occurred, or the walk proves less than it says.
void ExpectHolds(const char* what, const Flow& flow, std::initializer_list<const char*> meets) {
  const Explored explored = Explore(flow);
  std::cout << what << ": " << explored.states << " states";
  for (const auto& [end, count] : explored.ends) std::cout << "; " << end << " " << count;
  std::cout << "\n";
  EXPECT_EQ(explored.violation, "");
  for (const char* met : meets) EXPECT_TRUE(explored.met.contains(met)) << met;
}

void ExpectCaught(const Flow& flow, const char* why) {
  const Explored explored = Explore(flow);
  EXPECT_NE(explored.violation.find(why), std::string::npos)
      << explored.states << " states, violation: " << explored.violation;
}

void Broadcast(Pipeline& pipeline) {
  for (Step& step : pipeline.steps) step.dependents = StepSet();
}

void OpenScopes(Pipeline& pipeline) {
  for (StepIndex i = 0; i < pipeline.main_count; ++i) pipeline.steps[i].closure = StepSet();
  pipeline.steps[1].on_failure.undo = StepSet::Of(0);  // B: as it was written
}

TEST(Interleavings, KeepTheInvariantsInAForkAndJoin) {
  ExpectHolds("fork and join", ForkAndJoin(false), {"do meets tombstone", "undo meets failed"});
}

TEST(Interleavings, KeepTheInvariantsWithUndoLast) {
  ExpectHolds("undo last", ForkAndJoin(true),
              {"last meets tombstone", "last meets done", "do meets undone"});
}

TEST(Interleavings, KeepTheInvariantsWithAlternativesHoldsAndStuckUndos) {
  ExpectHolds("alternatives", Alternatives(),
              {"do again meets waiting", "undo again meets stuck", "undo meets held",
               "undo meets retrying"});
}

TEST(Interleavings, KeepTheInvariantsWithWaitsTimersAndCalls) {
  ExpectHolds("waits and calls", WaitsAndCalls(),
              {"close meets running", "close meets retrying", "undo meets running",
               "last meets undone", "do again meets waiting"});
}

/// The step with the timer cannot be undone: with `halt` it settles only when a person says so.
Flow StuckWithATimer(bool halt) {
  Flow flow = WaitsAndCalls();
  flow.conduct["X"].sticks = true;
  flow.pipeline.steps[3].halt = halt;
  flow.budget[kStucks] = flow.budget[kVerbs] = 1;
  flow.budget[kTimeouts] = flow.budget[kKepts] = flow.budget[kRetries] = 0;
  flow.resolve_verb = true;
  return flow;
}

TEST(Interleavings, AStepThatIsStuckLeavesNoTimerBehind) {
  ExpectHolds("stuck with a timer", StuckWithATimer(false), {"undo again meets stuck"});
  ExpectHolds("halted with a timer", StuckWithATimer(true), {"undo again meets stuck"});
}

TEST(Interleavings, KeepTheInvariantsWithCallsOnABusThatRepeats) {
  Flow flow = WaitsAndCalls();
  flow.budget[kDups] = 1;
  flow.budget[kTimeouts] = flow.budget[kKepts] = flow.budget[kVerbs] = flow.budget[kRetries] = 0;
  ExpectHolds("calls and duplicates", flow, {"undo meets running", "do meets undoing"});
}

TEST(Interleavings, SkippingStepsKeepsTheInvariants) {
  Flow flow = Alternatives();
  flow.retry_verb = flow.resolve_verb = false;
  flow.skip_verb = true;
  ExpectHolds("skips", flow, {"undo meets held"});
}

TEST(Mutant, UndoingEverythingAtOnceIsNoticed) {
  Flow flow = ForkAndJoin(false);
  flow.mutant.decide_sees = Broadcast;
  ExpectCaught(flow, "still stands");
}

TEST(Mutant, AScopeThatLeavesOutDependentsIsNoticed) {
  Flow flow = ForkAndJoin(false);
  flow.mutant.decide_sees = OpenScopes;
  ExpectCaught(flow, "do:C took effect after A was undone");
}

TEST(Mutant, CountingADuplicateAtATombstoneIsNoticed) {
  Flow flow = ForkAndJoin(false);
  flow.mutant.duplicates_count = true;
  ExpectCaught(flow, "open is");
}

TEST(Mutant, TellingPeopleTooEarlyIsNoticed) {
  Flow flow = ForkAndJoin(true);
  flow.mutant.all_see = [](Pipeline& p) { p.steps[4].undo_last = false; };
  ExpectCaught(flow, "nobody was told");
}

TEST(Mutant, UndoingBehindAHaltIsNoticed) {
  Flow flow = Alternatives();
  flow.mutant.decide_sees = [](Pipeline& p) { p.steps[3].halt = false; };
  ExpectCaught(flow, "halts");
}

TEST(Mutant, ARetryThatForgetsItsFirstMessageIsNoticed) {
  Flow flow = Alternatives();
  flow.mutant.forgets_first = true;
  ExpectCaught(flow, "open is");
}

TEST(Mutant, AnUndoThatDoesNotWaitForTheCallIsNoticed) {
  Flow flow = WaitsAndCalls();
  flow.mutant.no_defer = true;
  ExpectCaught(flow, "took effect after");
}

TEST(Mutant, TimersThatSurviveTheirStepAreNoticed) {
  Flow flow = WaitsAndCalls();
  flow.mutant.timers_stay = true;
  ExpectCaught(flow, "outlives it");
}

TEST(Mutant, TimersThatSurviveAStuckStepAreNoticed) {
  Flow flow = StuckWithATimer(false);
  flow.mutant.stuck_timers_stay = true;
  ExpectCaught(flow, "outlives it");
}

TEST(Mutant, CountingTheEndOfACallTooEarlyIsNoticed) {
  Flow flow = WaitsAndCalls();
  flow.mutant.call_ends_first = true;
  flow.conduct["P"].sticks = true;
  flow.budget[kStucks] = 1;
  ExpectCaught(flow, "ended with something still open");
}

}  // namespace
}  // namespace reprise::runtime
