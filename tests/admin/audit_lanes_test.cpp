#include "admin/audit_lanes.h"

#include <gtest/gtest.h>

namespace reprise::runtime {
namespace {

Uuid Worker(std::uint8_t n) {
  Uuid id;
  id.bytes[15] = n;
  return id;
}

/// One lane: worker 1 takes it and consumes 0 to 5, worker 2 takes it over and goes on to 9.
LaneLog Handed() {
  LaneLog log;
  log.lines = {{1, 1, Worker(1), 1, -1, -1, 0, 0},
               {1, 1, Worker(1), 2, 0, 3, 3, 0},
               {1, 1, Worker(1), 3, 3, 5, 2, 0},
               {1, 2, Worker(2), 1, 5, 5, 0, 0},
               {1, 2, Worker(2), 2, 5, 9, 3, 1}};
  log.places[1] = {2, 9};
  return log;
}

std::vector<std::string> Found(const LaneLog& log) {
  std::vector<std::string> out;
  for (const Violation& violation : AuditLanes(log)) out.push_back(violation.invariant);
  return out;
}
using Names = std::vector<std::string>;

TEST(AuditLanes, ALaneThatWasHandedOverInOrderIsFine) {
  EXPECT_EQ(Found(Handed()), Names());
}

TEST(AuditLanes, ALogWhoseBeginningIsGoneIsFine) {
  LaneLog log = Handed();
  log.lines.erase(log.lines.begin(), log.lines.begin() + 2);
  EXPECT_EQ(Found(log), Names());
}

TEST(AuditLanes, AFormerOwnerThatGoesOnIsFoundThoughNothingCameTwice) {
  LaneLog log = Handed();
  log.lines.insert(log.lines.begin() + 4, {1, 1, Worker(1), 4, 5, 5, 0, 0});  // a timer, say
  EXPECT_EQ(Found(log), Names({"I6"}));
}

TEST(AuditLanes, TwoWorkersOfOneEpochAreFound) {
  LaneLog log = Handed();
  log.lines[4].worker = Worker(3);
  EXPECT_EQ(Found(log), Names({"I6"}));
}

TEST(AuditLanes, ACommitThatIsThereTwiceIsFound) {
  LaneLog log = Handed();
  log.lines[2].seq = 2;
  EXPECT_EQ(Found(log), Names({"I6"}));
}

TEST(AuditLanes, WhatIsConsumedTwiceOrNotAtAllIsFound) {
  LaneLog log = Handed();
  log.lines[2] = {1, 1, Worker(1), 3, 2, 5, 3, 0};
  EXPECT_EQ(Found(log), Names({"I5"}));
  log.lines[2] = {1, 1, Worker(1), 3, 4, 5, 1, 0};
  EXPECT_EQ(Found(log), Names({"I5"}));
}

TEST(AuditLanes, FewerRecordsThanOffsetsAreFound) {
  LaneLog log = Handed();
  log.lines[1].records = 2;
  EXPECT_EQ(Found(log), Names({"I5"}));
}

TEST(AuditLanes, ALaneThatIsNotWhereItsLastBatchLeftItIsFound) {
  LaneLog log = Handed();
  log.places[1] = {2, 8};
  EXPECT_EQ(Found(log), Names({"I5"}));
  log.places[1] = {1, 9};
  EXPECT_EQ(Found(log), Names({"I6"}));
  log.places.clear();
  EXPECT_EQ(Found(log), Names({"I5"}));
}

TEST(AuditLanes, AnOutboxThatNobodyTookUpIsFound) {
  LaneLog log = Handed();
  log.unpublished.push_back(Worker(1));
  EXPECT_EQ(Found(log), Names({"I7"}));
}

}  // namespace
}  // namespace reprise::runtime
