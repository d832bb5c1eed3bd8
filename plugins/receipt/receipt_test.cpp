#include "receipt.cpp"

#include <gtest/gtest.h>

#include <reprise/testkit.hpp>

namespace receipt {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kIssue = "POST /v1/cash-receipts";
constexpr std::string_view kCancel = "POST /v1/cash-receipts/rk-1/cancel";
const IssueIn kIn{"P1", 50000, "A-1", {}};

Settings With(const HttpServer& server) {
  Settings settings;
  settings.url = server.url();
  settings.key = "test_sk";
  return settings;
}

/// The provider: issues rk-1 and cancels it.
struct Provider : HttpServer {
  Provider() {
    On(kIssue, 200, R"({"receiptKey":"rk-1","type":"소득공제"})").On(kCancel, 200, "{}");
  }
};

std::string KeyOf(const HttpServer::Request& request) {
  return request.headers.at("idempotency-key");
}

TEST(Issue, SendsTheFormThatTheProviderWants) {
  Provider provider;
  Kit<Issue> kit({}, With(provider));
  const Ran ran = kit.Do(kIn);
  ASSERT_TRUE(ran.done()) << ran;
  EXPECT_EQ(ran.memo, "rk-1");
  ASSERT_EQ(provider.requests().size(), 1U);
  const auto request = provider.requests()[0];
  EXPECT_EQ(request.headers.at("authorization"), "Basic dGVzdF9zazo=");  // "test_sk:"
  EXPECT_EQ(request.headers.at("content-type"), "application/json");
  EXPECT_NE(KeyOf(request).find(ran.saga), std::string::npos);
  const auto body = ParseJson(request.body);
  ASSERT_TRUE(body) << request.body;
  EXPECT_EQ(*body, *ParseJson(R"({"amount":50000,"orderId":"P1","orderName":"Concert ticket A-1",)"
                              R"("customerIdentityNumber":"0100001234","type":"소득공제"})"));
}

TEST(Issue, NamesTheCustomerAndTheOrderOfTheSettings) {
  Provider provider;
  Settings settings = With(provider);
  settings.order_name = "공연";
  settings.type = "지출증빙";
  Kit<Issue> kit({}, settings);
  ASSERT_TRUE(kit.Do({"P1", 50000, {}, "01012345678"}).done());
  const auto body = ParseJsonObject(provider.requests().at(0).body);
  EXPECT_EQ(TextIn(*body, "orderName"), "공연");
  EXPECT_EQ(TextIn(*body, "customerIdentityNumber"), "01012345678");
  EXPECT_EQ(TextIn(*body, "type"), "지출증빙");
}

TEST(Issue, UndoCancelsTheReceiptUnderAKeyOfItsOwn) {
  Provider provider;
  Kit<Issue> kit({}, With(provider));
  kit.Do(kIn);
  const Ran undone = kit.Undo();
  EXPECT_TRUE(undone.done()) << undone;
  const auto requests = provider.requests();
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(requests[1].path, "/v1/cash-receipts/rk-1/cancel");
  EXPECT_EQ(requests[1].body, R"({"amount":50000})");
  EXPECT_EQ(requests[1].headers.at("authorization"), "Basic dGVzdF9zazo=");
  EXPECT_NE(KeyOf(requests[0]), KeyOf(requests[1]));
}

TEST(Issue, TriesAgainUnderTheSameKeyWhenTheAnswerIsLost) {
  Provider provider;
  provider.Drop(kIssue)
      .Once(kIssue, 500)
      .Once(kIssue, 409, R"({"code":"IDEMPOTENT_REQUEST_PROCESSING"})");
  Kit<Issue> kit({}, With(provider));
  for (int n = 0; n < 3; ++n) EXPECT_TRUE(kit.Do(kIn).retry());
  EXPECT_EQ(kit.Do(kIn).memo, "rk-1");
  for (const auto& request : provider.requests())
    EXPECT_EQ(KeyOf(request), KeyOf(provider.requests()[0]));
}

TEST(Issue, GivesUpTheCallAtItsDeadline) {
  Provider provider;
  provider.Hang(kIssue);
  Kit<Issue> kit({}, With(provider));
  const Ran ran = kit.Remaining(20ms).Do(kIn);
  EXPECT_TRUE(ran.retry()) << ran;
  EXPECT_EQ(ran.code, "timeout");
}

TEST(Issue, WaitsAsLongAsTheProviderAsks) {
  Provider provider;
  provider.Once(kIssue, 429, "", {{"Retry-After", "3"}});
  Kit<Issue> kit({}, With(provider));
  EXPECT_EQ(kit.Do(kIn).after, 3s);
}

TEST(Issue, FailsWhenTheProviderRefuses) {
  Provider provider;
  provider.On(kIssue, 400, R"({"code":"INVALID_REQUEST"})");
  Kit<Issue> kit({}, With(provider));
  const Ran ran = kit.Do(kIn);
  EXPECT_TRUE(ran.failed()) << ran;
  EXPECT_EQ(ran.code, "http_refused");
}

TEST(Issue, AnAnswerWithoutAReceiptKeyIsNoAnswer) {
  Provider provider;
  provider.Once(kIssue, 200, "{}")
      .Once(kIssue, 200, "<html>")
      .Once(kIssue, 200, R"({"receiptKey":7})");
  Kit<Issue> kit({}, With(provider));
  for (int n = 0; n < 3; ++n) EXPECT_EQ(kit.Do(kIn).code, "bad_reply");
  EXPECT_TRUE(kit.Do(kIn).done());
}

TEST(Issue, UndoOfAnUnknownDoLearnsTheReceiptUnderDosKeyAndCancelsIt) {
  Provider provider;
  provider.Drop(kIssue);
  Kit<Issue> kit({}, With(provider));
  EXPECT_TRUE(kit.Do(kIn).retry());
  const Ran undone = kit.UndoUnknown();
  EXPECT_TRUE(undone.done()) << undone;
  const auto requests = provider.requests();
  ASSERT_EQ(requests.size(), 3U);
  EXPECT_EQ(KeyOf(requests[1]), KeyOf(requests[0]));  // the same call again: no second receipt
  EXPECT_EQ(requests[1].body, requests[0].body);
  EXPECT_EQ(requests[2].path, "/v1/cash-receipts/rk-1/cancel");
  EXPECT_NE(KeyOf(requests[2]), KeyOf(requests[0]));
}

TEST(Issue, UndoOfAnUnknownDoThatTheProviderRefusesIsForAPerson) {
  Provider provider;
  provider.On(kIssue, 401, "{}");  // says nothing of the first call
  Kit<Issue> kit({}, With(provider));
  const Ran undone = kit.UndoUnknown(kIn);
  EXPECT_TRUE(undone.failed()) << undone;
  EXPECT_EQ(undone.code, "http_refused");
  EXPECT_EQ(provider.requests().size(), 1U);
}

TEST(Issue, UndoOfAnUnknownDoWaitsForAProviderThatIsDown) {
  Provider provider;
  provider.Once(kIssue, 503).Once(kCancel, 503);
  Kit<Issue> kit({}, With(provider));
  EXPECT_TRUE(kit.UndoUnknown(kIn).retry());
  EXPECT_TRUE(kit.UndoUnknown(kIn).retry());
  EXPECT_TRUE(kit.UndoUnknown(kIn).done());
}

TEST(Issue, UndoOfWhatNeverRanCallsNobody) {
  Provider provider;
  Kit<Issue> kit({}, With(provider));
  EXPECT_TRUE(kit.UndoNever({{"reservationId", "R1"}}).done());
  EXPECT_TRUE(provider.requests().empty());
}

TEST(Issue, WithoutAUrlNothingIsIssuedAndNothingCancelled) {
  Kit<Issue> kit;
  const Ran ran = kit.Do(kIn);
  EXPECT_TRUE(ran.done()) << ran;
  EXPECT_TRUE(ran.memo.empty());
  EXPECT_FALSE(ran.log.empty());
  EXPECT_TRUE(kit.Undo().done());
}

TEST(Issue, AReceiptThatStandsIsNotForgottenWhenTheUrlIs) {
  Kit<Issue> kit;
  Ran issued = kit.Do(kIn);
  issued.memo = "rk-1";
  EXPECT_EQ(kit.Undo(issued).code, "no_provider");
}

TEST(Issue, NothingPaidIsNoReceipt) {
  Provider provider;
  Kit<Issue> kit({}, With(provider));
  EXPECT_TRUE(kit.Do({"P1", 0, {}, {}}).done());
  EXPECT_TRUE(kit.Undo().done());
  EXPECT_TRUE(provider.requests().empty());
}

TEST(Issue, AReceiptKeyIsOnePartOfThePath) {
  Provider provider;
  provider.On(kIssue, 200, R"({"receiptKey":"a/../b?c d"})")
      .On("POST /v1/cash-receipts/a%2F%2E%2E%2Fb%3Fc%20d/cancel", 200, "{}");
  Kit<Issue> kit({}, With(provider));
  kit.Do(kIn);
  EXPECT_TRUE(kit.Undo().done());
}

TEST(Issue, NeverShowsItsKey) {
  Provider provider;
  provider.On(kIssue, 401, "{}");
  Kit<Issue> kit({}, With(provider));
  const Ran ran = kit.Do(kIn);
  EXPECT_EQ(ran.detail.find("test_sk"), std::string::npos);
  for (const std::string& line : ran.log) EXPECT_EQ(line.find("test_sk"), std::string::npos);
}

TEST(Issue, KeepsTheLaws) {
  Provider provider;
  EXPECT_EQ((Kit<Issue>({}, With(provider)).Laws(kIn)), kLawful);
  EXPECT_EQ(Kit<Issue>().Laws(kIn), kLawful);
}

}  // namespace
}  // namespace receipt
