#include "concert.h"

#include "base/log.h"

namespace reprise::runtime {
namespace {

World::Setup SetupOf(bool hop_commits, Concert::Size size) {
  SetLogLevel(LogLevel::kOff);  // steps that fail are what is tested
  const std::map<std::string, std::string> values{{"SEAT_ROWS", std::to_string(size.rows)},
                                                  {"SEAT_PER_ROW", std::to_string(size.per_row)},
                                                  {"START_POINTS", std::to_string(kStartPoints)},
                                                  {"QUEUE_ADMIT_PER_SECOND", "1000000"},
                                                  {"QUEUE_VALID_FOR", "240h"}};
  World::Setup setup;
  setup.paths = {REPRISE_SOURCE_DIR "/pipelines/concert"};
  setup.plugin_folders = {REPRISE_BINARY_DIR "/plugins"};
  setup.environment = [values](const std::string& name) -> std::optional<std::string> {
    const auto found = values.find(name);
    if (found == values.end()) return std::nullopt;
    return found->second;
  };
  setup.hop_commits = hop_commits;
  return setup;
}

}  // namespace

Concert::Concert(bool hop_commits, Size size) {
  auto world = World::Make(SetupOf(hop_commits, size));
  EXPECT_TRUE(world) << world.error().message;
  if (world) world_ = std::move(*world);
}

// ---------------------------------------------------------------- people

HttpRequest Concert::Ask(const std::string& path, json::object body) {
  HttpRequest request;
  request.method = "POST";
  request.path = "/" + path;
  request.segments = {path};
  request.headers = {{"content-type", "application/json"}};
  request.body = json::serialize(body);
  return request;
}

void Concert::Join(const std::vector<std::string>& users) {
  for (const std::string& user : users) {
    tokens_[user] = Request(Ask("queue", {{"userId", user}})).Text("token");
  }
  Advance(kSecond);  // everybody's turn
}

HttpRequest Concert::AsksFor(const std::string& user, const std::string& seat) const {
  HttpRequest request = Ask("reservations", {{"seatId", seat}});
  request.headers.emplace_back("authorization", "Bearer " + tokens_.at(user));
  return request;
}

HttpRequest Concert::Pays(const std::string& user, const std::string& reservation) const {
  HttpRequest request = Ask("payments", {{"reservationId", reservation}});
  request.headers.emplace_back("authorization", "Bearer " + tokens_.at(user));
  request.headers.emplace_back("idempotency-key", "pays-" + reservation);
  return request;
}

Concert::Answer Concert::Read(const HttpResponse& response) {
  Answer answer{response.status, {}};
  json::error_code error;
  const json::value body = json::parse(response.body, error);
  if (!error && body.is_object()) answer.body = body.get_object();
  return answer;
}

Concert::Answer Concert::Request(const HttpRequest& request) {
  std::optional<HttpResponse> answer;
  world_->Post(request, [&](const HttpResponse& response) { answer = response; });
  Settle();
  EXPECT_TRUE(answer) << request.path << " was never answered";
  return answer ? Read(*answer) : Answer{};
}

std::string Concert::Reserve(const std::string& user, const std::string& seat) {
  const Answer answer = Request(AsksFor(user, seat));
  EXPECT_EQ(answer.status, 202) << json::serialize(answer.body);
  const std::string id = answer.Text("reservationId");
  EXPECT_EQ(Status(id), "held");
  return id;
}

std::string Concert::Pay(const std::string& user, const std::string& reservation) {
  const Answer answer = Request(Pays(user, reservation));
  EXPECT_EQ(answer.status, 200) << json::serialize(answer.body);
  return answer.Text("paymentId");
}

void Concert::PostUndo(const std::string& saga) {
  Verb verb;
  verb.what = "undo";
  const auto id = Uuid::Parse(saga);
  ASSERT_TRUE(id) << saga;
  verb.saga = *id;
  verb.who = "kim";
  verb.reply = [](const Reply& reply) { EXPECT_EQ(reply.code, "") << reply.detail; };
  world_->assembly().executor().Submit(std::move(verb));
}

void Concert::Undo(const std::string& saga) {
  PostUndo(saga);
  Settle();
}

// ---------------------------------------------------------------- what is in flight

void Concert::Fault(const std::string& step, const std::string& what, const std::string& user) {
  std::erase_if(faults_, [&](const auto& named) {
    return named.first == step && (user.empty() || named.second.saga_value == user);
  });
  auto fault = ParseFault(step + "=" + what);
  ASSERT_TRUE(fault) << fault.error().message;
  if (!user.empty()) {
    fault->saga_field = "userId";
    fault->saga_value = user;
  }
  faults_.emplace_back(step, *fault);
  world_->assembly().executor().ClearFaults();
  for (const auto& [name, set] : faults_) world_->assembly().executor().AddFault(set);
}

void Concert::Free(const std::string& step) {
  std::erase_if(faults_, [&](const auto& named) { return named.first == step; });
  world_->assembly().executor().ClearFaults();
  for (const auto& [name, fault] : faults_) world_->assembly().executor().AddFault(fault);
}

void Concert::Let(const std::string& step) {
  Free(step);
  Advance(2 * kSecond);
}

// ---------------------------------------------------------------- time

void Concert::Settle() {
  while (world_->assembly().executor().Turn()) Step();
  ASSERT_FALSE(world_->assembly().executor().dead());
}

void Concert::Jump(Time to) {
  world_->clock().Set(to);
  Settle();
}

void Concert::Advance(Millis by) {
  const Time target = Now() + by;
  Settle();
  for (;;) {
    const auto next = world_->journal().NextDue();
    ASSERT_TRUE(next) << next.error().message;
    if (!*next || **next > target) break;
    Jump(std::max(**next, Now()));
  }
  Jump(target);
}

// ---------------------------------------------------------------- rows

std::string Concert::Sql(const std::string& sql) {
  std::string out;
  auto ran = world_->journal().reads().Run(sql, {}, [&](std::span<const SqlValue> row) {
    if (!out.empty()) out += " ";
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) out += "|";
      out += row[i].type == SqlValue::kInteger ? std::to_string(row[i].integer)
                                               : std::string(row[i].text);
    }
  });
  EXPECT_TRUE(ran) << sql << ": " << ran.error().message;
  return out;
}

std::string Concert::Status(const std::string& reservation) {
  return Sql("SELECT status FROM reservation_row WHERE id = '" + reservation + "'");
}
std::string Concert::Seat(const std::string& seat) {
  return Sql("SELECT status FROM seat_row WHERE seat = '" + seat + "'");
}
std::string Concert::LastTold(const std::string& user) {
  return Sql("SELECT event FROM push_user WHERE user_id = '" + user +
             "' ORDER BY seq DESC LIMIT 1");
}
int Concert::Told(const std::string& user, const std::string& event) {
  return std::stoi(Sql("SELECT count(*) FROM push_user WHERE user_id = '" + user +
                       "' AND event = '" + event + "'"));
}

void Concert::Nothing(const std::string& what, const std::string& sql) {
  EXPECT_EQ(Sql(sql), "") << what;
}

void Concert::Step() {
  Nothing("a seat has two holders",
          "SELECT seat FROM reservation_row WHERE status IN ('held', 'paying', 'paid')"
          " GROUP BY seat HAVING count(*) > 1");
  Nothing("points are lost or made",
          "SELECT p.user_id, p.points, t.taken FROM payment_points AS p LEFT JOIN"
          " (SELECT user_id, sum(amount) AS taken FROM payment_taken WHERE status = 'CAPTURED'"
          " GROUP BY user_id) AS t ON t.user_id = p.user_id WHERE p.points + coalesce(t.taken, 0)"
          " <> " +
              std::to_string(kStartPoints));
}

void Concert::Quiet() {
  Step();
  Nothing("a reservation is held or being paid for past its time",
          "SELECT id, status FROM reservation_row WHERE status IN ('held', 'paying')"
          " AND expires_at <= " +
              std::to_string(ToMillis(Now())));
  Nothing("a seat is held by nobody",
          "SELECT seat FROM seat_row WHERE status <> 'FREE' EXCEPT SELECT seat FROM reservation_row"
          " WHERE status IN ('held', 'paying', 'paid')");
  Nothing("a seat is sold that nobody paid for",
          "SELECT seat FROM seat_row WHERE status = 'SOLD' EXCEPT SELECT seat FROM reservation_row"
          " WHERE status = 'paid'");
  Nothing("a paid seat is not sold",
          "SELECT seat FROM reservation_row WHERE status = 'paid' EXCEPT SELECT seat FROM seat_row"
          " WHERE status = 'SOLD'");
  Nothing("a reservation is paid, its points are not taken",
          "SELECT id FROM reservation_row WHERE status = 'paid' EXCEPT SELECT reservation_id FROM"
          " payment_taken WHERE status = 'CAPTURED'");
  Nothing("points are taken for what is not paid",
          "SELECT reservation_id FROM payment_taken WHERE status = 'CAPTURED' EXCEPT SELECT id FROM"
          " reservation_row WHERE status = 'paid'");
  Nothing("a reservation is paid twice",
          "SELECT reservation_id FROM payment_taken WHERE status = 'CAPTURED'"
          " GROUP BY reservation_id HAVING count(*) > 1");
}

void Concert::End() {
  Advance(kHold + 10 * kMinute);
  Quiet();
  Nothing("a reservation is held for ever",
          "SELECT id, status FROM reservation_row WHERE status IN ('held', 'paying')");
  const std::string seat = Sql("SELECT min(seat) FROM reservation_row");
  const bool paid = Seat(seat) == "SOLD";
  Join({"heir"});
  const Answer answer = Request(AsksFor("heir", seat));
  ASSERT_EQ(answer.status, paid ? 409 : 202) << seat << json::serialize(answer.body);
  if (!paid) {
    EXPECT_EQ(Seat(seat), "HELD");
    Pay("heir", answer.Text("reservationId"));
    EXPECT_EQ(Seat(seat), "SOLD");
  }
  Advance(kHold + kMinute);
  Quiet();
}

}  // namespace reprise::runtime
