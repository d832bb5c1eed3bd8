// Names of topics, and what start-up says of those that are there.
#include "kafka/topics.h"

#include <gmock/gmock.h>

#include "cluster.h"

namespace reprise::runtime::kafka {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Topics, AStepOfSeveralPlansIsOneTopic) {
  Topics topics("shop", 3);
  topics.Add("order", "take", false);
  topics.Add("order", "take", true);
  topics.Add("order", "charge", false);
  EXPECT_EQ(topics.All().size(), 2U);
  EXPECT_THAT(topics.Mine(), ElementsAre("shop.order.take"));
  EXPECT_EQ(topics.MyLanes().size(), 3U);
  const LaneId lane = LaneBase("order", "take") | 2;
  EXPECT_EQ(topics.Of(lane)->topic, "shop.order.take");
  EXPECT_EQ(topics.Named("shop.order.take")->lane, LaneBase("order", "take"));
  EXPECT_EQ(topics.Name(lane), "shop.order.take[2]");
}

TEST(Topics, UnknownLanesAndPartitionsHaveNone) {
  Topics topics("shop", 3);
  topics.Add("order", "take", true);
  EXPECT_EQ(topics.Of(LaneBase("order", "charge")), nullptr);
  EXPECT_EQ(topics.Of(LaneBase("order", "take") | 3), nullptr);
  EXPECT_EQ(topics.Named("shop.order.charge"), nullptr);
}

TEST_F(KafkaTest, TopicsThatAreThereAreTakenAsTheyAre) {
  EXPECT_TRUE(EnsureTopics(OptionsOf(), TopicsOf()));
}

TEST_F(KafkaTest, AnotherNumberOfPartitionsIsRefused) {
  Topics topics("shop", kPartitions + 1);
  topics.Add("order", "take", true);
  const auto said = EnsureTopics(OptionsOf(), topics);
  ASSERT_FALSE(said);
  EXPECT_EQ(said.error().code, Code::kInvalid);
  EXPECT_THAT(said.error().message, HasSubstr("'partitions' is 5, but shop.order.take has 4"));
}

TEST_F(KafkaTest, OptionsAreCheckedAndTheirValuesNeverTold) {
  KafkaOptions options = OptionsOf();
  options.options["sasl.passwrd"] = "hunter2";
  const auto said = EnsureTopics(options, TopicsOf());
  ASSERT_FALSE(said);
  EXPECT_EQ(said.error().code, Code::kInvalid);
  EXPECT_THAT(said.error().message, HasSubstr("sasl.passwrd"));
  options.options.erase("sasl.passwrd");
  options.options["security.protocol"] = "hunter2";
  const auto more = EnsureTopics(options, TopicsOf());
  ASSERT_FALSE(more);
  EXPECT_THAT(more.error().message, HasSubstr("security.protocol"));
  EXPECT_THAT(more.error().message, Not(HasSubstr("hunter2")));
}

}  // namespace
}  // namespace reprise::runtime::kafka
