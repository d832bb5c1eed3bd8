// The shipped pipelines load without a finding, and mean what they say.
#include <gtest/gtest.h>

#include "catalogs.h"
#include "config/report.h"
#include "folder.h"

namespace reprise::runtime::test {
namespace {

class ConcertTest : public testing::Test {
 protected:
  Loaded loaded = Load({REPRISE_SOURCE_DIR "/pipelines/concert"}, ConcertCatalog(), Variables({}));

  const Step& StepOf(const std::string& pipeline, const std::string& step) const {
    const PipelineRef found = loaded.Find(pipeline);
    return found->step(*found->Find(step));
  }
  std::string Names(const std::string& pipeline, StepSet set) const {
    std::string out;
    set.Each([&](StepIndex i) {
      out += (out.empty() ? "" : " ") + loaded.Find(pipeline)->step(i).name;
    });
    return out;
  }
};

TEST_F(ConcertTest, LoadsWithoutAFinding) {
  EXPECT_EQ(RenderText(loaded.findings), "");
  std::string names;
  for (const PipelineRef& pipeline : loaded.pipelines) names += pipeline->name + " ";
  EXPECT_EQ(names, "lapse payment points queue reservation ");
}

TEST_F(ConcertTest, KnowsTheSettingsOfASeatsHold) {
  const Step& reserve = StepOf("reservation", "reserve");
  EXPECT_EQ(json::serialize(reserve.with), R"({"for":300000})");
  EXPECT_EQ(reserve.key_field, "seatId");
  EXPECT_EQ(reserve.retry.attempts, 5u);
  EXPECT_EQ(reserve.retry.first, Millis(100));
  EXPECT_EQ(reserve.retry.max, Millis(10'000));
  EXPECT_EQ(reserve.events, (std::vector<std::string>{"held", "rejected"}));
}

TEST_F(ConcertTest, KnowsWhatFollowsWhatAndWhatIsUndone) {
  EXPECT_EQ(Names("reservation", StepOf("reservation", "reserve").dependents),
            "hold-seat deadline tell-held");
  EXPECT_EQ(Names("reservation", StepOf("reservation", "reserve").on_failure.undo),
            "reserve hold-seat deadline tell-held release free-seat");
  EXPECT_EQ(Names("reservation", StepOf("reservation", "deadline").on_failure.undo),
            "reserve hold-seat deadline tell-held release free-seat");
  EXPECT_TRUE(StepOf("reservation", "tell-held").undo_last);
  EXPECT_TRUE(StepOf("reservation", "tell-held").on_failure.none);
  EXPECT_TRUE(StepOf("reservation", "release").final);
  EXPECT_TRUE(StepOf("reservation", "release").on_failure.hold_forever);
  EXPECT_TRUE(StepOf("reservation", "release").on_failure.none);
  EXPECT_TRUE(StepOf("reservation", "release").on_failure.undo.empty());
}

TEST_F(ConcertTest, KnowsThePaymentsRoute) {
  const PipelineRef payment = loaded.Find("payment");
  const Route& route = payment->routes[1];
  EXPECT_EQ(route.name(), "POST /payments");
  EXPECT_EQ(route.kind, RouteKind::kRun);
  EXPECT_EQ(route.run, (std::vector<StepIndex>{0, 1}));
  EXPECT_EQ(route.lock, "userId");
  EXPECT_EQ(route.id, "paymentId");
  EXPECT_TRUE(route.idempotency_required);
  EXPECT_EQ(route.check.size(), 2u);
  EXPECT_EQ(route.check[1].name(), "reservation.payable");
  EXPECT_EQ(route.body.fields.at(0).type.max, 64);
  EXPECT_EQ(payment->timeout, Millis(600'000));
  EXPECT_TRUE(payment->steps[0].inlined);
  EXPECT_EQ(Names("payment", StepOf("payment", "pay").causes), "claim");
  EXPECT_TRUE(StepOf("payment", "tell-paid").all);
  EXPECT_EQ(StepOf("payment", "receipt").undo_on, "$undone");
}

TEST_F(ConcertTest, KnowsWhatBeginsALapse) {
  const PipelineRef lapse = loaded.Find("lapse");
  ASSERT_EQ(lapse->foreign.size(), 1u);
  EXPECT_EQ(lapse->foreign.begin()->first, "payment/$undone");
}

TEST_F(ConcertTest, KnowsTheOtherRoutes) {
  const PipelineRef reservation = loaded.Find("reservation");
  EXPECT_EQ(reservation->routes[1].query.fields.at(0).type.optional, true);
  EXPECT_EQ(reservation->routes[1].kind, RouteKind::kStream);
  EXPECT_EQ(json::serialize(reservation->routes[4].reply), R"({"status":"PENDING"})");
  EXPECT_EQ(reservation->routes[4].location, "/reservations/{reservationId}");
  const PipelineRef points = loaded.Find("points");
  EXPECT_TRUE(points->routes[0].admin_token);
  EXPECT_EQ(loaded.Find("queue")->routes[0].tell, "entered");
}

TEST_F(ConcertTest, HasTheDeploymentOfItsRuntimeFile) {
  EXPECT_EQ(loaded.deployment.name, "concert");
  EXPECT_EQ(loaded.deployment.engine, "embedded");
  EXPECT_EQ(loaded.deployment.embedded.file, "concert.db");
  EXPECT_EQ(loaded.deployment.limits.outbox_bytes, 64 << 20);
  EXPECT_EQ(loaded.deployment.keep_undone, Millis(90LL * 86'400'000));
  EXPECT_EQ(loaded.deployment.cluster.kafka_options.at("security.protocol"), "plaintext");
  EXPECT_EQ(json::serialize(loaded.deployment.plugins.at("seat")),
            R"({"rows":5,"per_row":10,"price":50000})");
  EXPECT_EQ(json::serialize(loaded.deployment.plugins.at("queue")),
            R"({"secret":"","per_second":100,"valid_for":600000})");
}

TEST_F(ConcertTest, IsRebuiltFromItsStoredText) {
  const PipelineRef lapse = loaded.Find("lapse");
  const auto plan = CompilePlan(lapse->text, ConcertCatalog(), Variables({}));
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ((*plan)->hash, lapse->hash);
  EXPECT_EQ((*plan)->steps.size(), lapse->steps.size());
  PluginCatalog poorer = ConcertCatalog();
  poorer.erase("push");
  EXPECT_FALSE(CompilePlan(lapse->text, poorer, Variables({})));
}

}  // namespace
}  // namespace reprise::runtime::test
