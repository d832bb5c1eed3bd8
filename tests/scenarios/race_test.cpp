// Payments and expiries released at the same instant, ten thousand times.

#include <algorithm>
#include <random>

#include <fmt/core.h>

#include "concert.h"

namespace reprise::runtime {
namespace {

constexpr int kSeats = 1'000, kRounds = 5;  // and each round with and without a commit a hop
constexpr std::size_t kFaulty = 25;         // payments of a round that are taken back

struct Wins {
  int payments = 0, expiries = 0, taken_back = 0, crossed = 0;
};

class Race {
 public:
  Race(bool hop_commits, Wins& wins)
      : concert_(hop_commits, {kRounds, kSeats}), random_(hop_commits ? 7 : 11), wins_(wins) {
    for (int i = 1; i <= kSeats; ++i) users_.push_back(fmt::format("u{}", i));
    if (concert_.ok()) concert_.Join(users_);
  }

  void Round(int round) {
    HoldAll(round);
    const Time deadline = concert_.Now() + kHold;
    concert_.Advance(kHold - kMs);
    std::shuffle(users_.begin(), users_.end(), random_);
    for (std::size_t i = 0; i < kFaulty; ++i) concert_.Break("payment/confirm-seat.do", users_[i]);
    std::shuffle(users_.begin(), users_.end(), random_);
    Release(deadline);
    concert_.Free("payment/confirm-seat.do");
    concert_.Advance(kMinute);
    concert_.Quiet();
    Count();
  }

 private:
  void HoldAll(int round) {
    held_.clear();
    answers_.clear();
    for (std::size_t i = 0; i < users_.size(); ++i) {
      const std::string seat(1, static_cast<char>('A' + round));
      concert_.world().Post(concert_.AsksFor(users_[i], seat + "-" + std::to_string(i + 1)),
                            [this, user = users_[i]](const HttpResponse& response) {
                              ASSERT_EQ(response.status, 202) << response.body;
                              held_[user] = Concert::Read(response).Text("reservationId");
                            });
    }
    concert_.Settle();
    ASSERT_EQ(held_.size(), users_.size());
  }

  /// Some payments come just before the deadline, some with it; how far the first ones get before
  /// the timers are due is chance.
  void Release(Time deadline) {
    const std::size_t early = random_() % (users_.size() + 1);
    const int turns = static_cast<int>(random_() % 5);
    for (std::size_t i = 0; i < early; ++i) PostPayment(users_[i]);
    for (int i = 0; i < turns; ++i) concert_.world().assembly().executor().Turn();
    wins_.crossed +=
        std::stoi(concert_.Sql("SELECT count(*) FROM reservation_row WHERE status = 'paying'"));
    concert_.Step();
    concert_.world().clock().Set(deadline);
    for (std::size_t i = early; i < users_.size(); ++i) PostPayment(users_[i]);
    concert_.Settle();
  }

  void PostPayment(const std::string& user) {
    concert_.world().Post(concert_.Pays(user, held_.at(user)),
                          [this, user](const HttpResponse& response) {
                            if (response.status != 200) {
                              EXPECT_EQ(response.status, 409) << response.body;
                              EXPECT_EQ(Concert::Read(response).Text("code"), "not_payable");
                            }
                            answers_[user] = response.status;
                          });
  }

  /// Who was told 200 has the seat or the points back; who was told 409 has neither lost.
  void Count() {
    std::map<std::string, std::string> status, payment;
    const auto read = [&](std::map<std::string, std::string>& into, const std::string& sql) {
      ASSERT_TRUE(
          concert_.world().journal().reads().Run(sql, {}, [&](std::span<const SqlValue> row) {
            into[std::string(row[0].text)] = std::string(row[1].text);
          }));
    };
    read(status, "SELECT id, status FROM reservation_row");
    read(payment, "SELECT reservation_id, status FROM payment_taken");
    ASSERT_EQ(answers_.size(), users_.size());
    for (const auto& [user, answer] : answers_) {
      const std::string now = status[held_[user]], paid = payment[held_[user]];
      if (answer == 409) {
        ++wins_.expiries;
        EXPECT_EQ(now + paid, "expired") << user;
      } else if (paid == "REFUNDED") {
        ++wins_.taken_back;
        EXPECT_EQ(now, "expired") << user;
      } else {
        ++wins_.payments;
        EXPECT_EQ(now + paid, "paidCAPTURED") << user;
      }
    }
  }

  Concert concert_;
  std::mt19937 random_;
  Wins& wins_;
  std::vector<std::string> users_;
  std::map<std::string, std::string> held_;
  std::map<std::string, int> answers_;
};

TEST(PaymentAgainstExpiry, OneOfThemWinsTenThousandTimesAndNothingIsLost) {
  Wins wins;
  for (const bool hop_commits : {false, true}) {
    Race race(hop_commits, wins);
    for (int round = 0; round < kRounds && !testing::Test::HasFatalFailure(); ++round)
      race.Round(round);
  }
  EXPECT_EQ(wins.payments + wins.expiries + wins.taken_back, 2 * kRounds * kSeats);
  EXPECT_GT(wins.payments, 0);
  EXPECT_GT(wins.expiries, 0);
  EXPECT_GT(wins.taken_back, 10);
  EXPECT_GT(wins.crossed, 0) << "no timer came due while its reservation was being paid for";
  RecordProperty("payments", wins.payments);
  RecordProperty("expiries", wins.expiries);
  RecordProperty("taken_back", wins.taken_back);
  RecordProperty("crossed", wins.crossed);
}

}  // namespace
}  // namespace reprise::runtime
