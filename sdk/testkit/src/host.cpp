#include <algorithm>
#include <set>
#include <stdexcept>

#include <reprise/testkit/host.hpp>

#include "call.h"

namespace reprise::testkit {
namespace {

using detail::FromAbi;

constexpr Time kStart = Time(Millis(1'893'456'000'000));  // 2030-01-01

void TakeWhy(void* user, reprise_str why) {
  *static_cast<std::string*>(user) = FromAbi(why);
}

std::string Prefix(std::string_view plugin) {
  std::string prefix(plugin);
  std::replace(prefix.begin(), prefix.end(), '-', '_');
  return prefix;
}

}  // namespace

struct Host::Impl {
  const reprise_plugin& plugin;
  void* self = nullptr;
  std::unique_ptr<Database> database = Database::Open();
  std::map<std::string, std::vector<std::string>> columns;  // of each table
  World world;
  struct Memory {
    World world;
    Time now;
    std::size_t from = 0;  // requests before these belong to no law
  };
  std::vector<Memory> memories;
  int sagas = 0;
  std::unique_ptr<HttpServer> http;

  explicit Impl(const reprise_plugin& its_plugin) : plugin(its_plugin) {}
  ~Impl() {
    if (self != nullptr) plugin.destroy(self);
  }

  std::vector<HttpServer::Request> Requests() const {
    return http ? http->requests() : std::vector<HttpServer::Request>();
  }

  void Migrate() {
    for (std::size_t i = 0; const reprise_migration* migration = plugin.migration_at(i); ++i) {
      database->Migrate(*migration);
    }
    const std::string name = Prefix(FromAbi(plugin.name));
    const std::string prefix = name + "_";
    for (const std::string& table : database->Tables()) {
      if (table != name && !table.starts_with(prefix)) {
        throw std::runtime_error("table '" + table + "' must begin with '" + prefix + "'");
      }
      columns[table] = database->Columns(table);
    }
  }

  /// What the call left takes effect or not, as its outcome says.
  void Settle(reprise_ctx& ctx, Time now) {
    Ran& ran = ctx.ran;
    if (!ctx.finished) {
      ran.verdict = Outcome::kRetry;
      ran.code = "no_outcome";
    }
    if (ctx.lost && (ran.done() || ran.kept())) {
      ran.verdict = Outcome::kRetry;
      ran.code = NameOf(ctx.lost->code);
      ran.detail = ctx.lost->message;
    }
    if (ctx.crash_after >= 0) {
      ran.crashed = true;
      ran.verdict = Outcome::kRetry;
      ran.code = "crashed";
      ran.memo.clear();
    }
    if (!ran.done() && !ran.kept()) {
      database->Execute("ROLLBACK TO call; RELEASE call");
      return;
    }
    database->Execute("RELEASE call");
    std::erase_if(world.timers, [&](const World::Timer& timer) {
      const bool named =
          std::find(ran.disarmed.begin(), ran.disarmed.end(), timer.event) != ran.disarmed.end();
      return timer.saga == ran.saga && (ctx.kind == Kind::kUndo || named);
    });
    for (const Armed& armed : ran.armed)
      world.timers.push_back({now + armed.delay, ran.saga, armed.event, armed.added});
    world.sent.insert(world.sent.end(), ran.sent.begin(), ran.sent.end());
    world.hints.insert(world.hints.end(), ran.hints.begin(), ran.hints.end());
  }
};

namespace {

/// The context of one call; faults are of the next call only.
reprise_ctx ContextOf(Host& host, Database& database, World& world, Kind kind) {
  reprise_ctx ctx;
  ctx.kind = kind;
  ctx.database = &database;
  ctx.world = &world;
  ctx.now = host.now;
  ctx.remaining = host.remaining;
  ctx.cancelled = host.cancelled;
  ctx.bearer = host.bearer;
  ctx.others = host.others;
  ctx.fail_call = std::exchange(host.fail_call, 0);
  ctx.crash_after = std::exchange(host.crash_after, -1);
  return ctx;
}

void Fill(reprise_ctx& ctx, const Bound& bound, const Order& order, const std::string& key) {
  ctx.action = bound.action;
  ctx.external = bound.action->external != 0;
  ctx.order = order;
  ctx.payload_json = ToText(order.payload);
  ctx.root_json = ToText(order.root);
  ctx.key = key.empty() ? order.saga : key;
  ctx.do_key = order.saga + ".do";
  ctx.idempotency_key = order.phase == Phase::kUndo ? order.saga + ".undo" : ctx.do_key;
  ctx.ran.saga = order.saga;
  ctx.ran.payload = order.payload;
  ctx.ran.attempt = order.attempt;
}

Kind KindOf(Phase phase) {
  if (phase == Phase::kDo) return Kind::kDo;
  return phase == Phase::kUndo ? Kind::kUndo : Kind::kReconcile;
}

}  // namespace

Host::Host(const reprise_plugin& plugin, const std::vector<reprise_value>& settings,
           std::unique_ptr<HttpServer> http)
    : now(kStart), impl_(std::make_unique<Impl>(plugin)) {
  impl_->http = std::move(http);
  std::string why;
  impl_->self = plugin.create(settings.data(), settings.size(), &TakeWhy, &why);
  if (impl_->self == nullptr) throw std::runtime_error("plugin refused: " + why);
  impl_->Migrate();
  if (plugin.start == nullptr) return;
  reprise_ctx ctx = ContextOf(*this, *impl_->database, impl_->world, Kind::kStart);
  const reprise_call call{sizeof(reprise_call), &HostTable(), &ctx};
  impl_->database->Execute("SAVEPOINT call");
  plugin.start(impl_->self, &call);
  impl_->Settle(ctx, now);
  if (!ctx.ran.done()) throw std::runtime_error("Start: " + ctx.ran.code + ": " + ctx.ran.detail);
}

Host::~Host() = default;

Bound Host::Bind(std::string_view name, const std::vector<reprise_value>& with) {
  for (std::size_t i = 0; const reprise_action* action = impl_->plugin.action_at(i); ++i) {
    if (FromAbi(action->name) != name) continue;
    std::string why;
    void* self = action->create(impl_->self, with.data(), with.size(), &TakeWhy, &why);
    if (self == nullptr) throw std::runtime_error("action refused: " + why);
    return {action, self, {}};
  }
  throw std::runtime_error("REPRISE_PLUGIN of this program has no action '" + std::string(name) +
                           "'");
}

Ran Host::Run(const Bound& bound, const Order& order) {
  reprise_ctx ctx = ContextOf(*this, *impl_->database, impl_->world, KindOf(order.phase));
  Fill(ctx, bound, order, key);
  const reprise_call call{sizeof(reprise_call), &HostTable(), &ctx};
  impl_->database->Execute("SAVEPOINT call");
  if (order.phase == Phase::kDo) {
    bound.action->run_do(bound.self, &call);
  } else if (order.phase == Phase::kUndo) {
    bound.action->run_undo(bound.self, &call);
  } else if (bound.action->run_reconcile != nullptr) {
    bound.action->run_reconcile(bound.self, &call);
  } else {
    ctx.finished = true;  // not offered: unknown
    ctx.ran.verdict = Outcome::kDone;
  }
  impl_->Settle(ctx, now);
  return ctx.ran;
}

std::vector<Ran> Host::RunAll(const Bound& bound, const std::vector<Order>& orders, bool& batched) {
  batched = false;
  std::vector<Ran> ran;
  if (bound.action->run_do_all != nullptr && !orders.empty()) {
    std::deque<reprise_ctx> contexts;
    std::vector<reprise_call> calls;
    calls.reserve(orders.size());
    for (const Order& order : orders) {
      Fill(contexts.emplace_back(ContextOf(*this, *impl_->database, impl_->world, Kind::kDo)),
           bound, order, key);
      calls.push_back({sizeof(reprise_call), &HostTable(), &contexts.back()});
    }
    std::vector<const reprise_call*> pointers;
    pointers.reserve(calls.size());
    for (const reprise_call& call : calls) pointers.push_back(&call);
    impl_->database->Execute("SAVEPOINT batch");
    const reprise_status status =
        bound.action->run_do_all(bound.self, pointers.data(), pointers.size());
    batched = status.code == REPRISE_OK &&
              std::all_of(contexts.begin(), contexts.end(), [](const reprise_ctx& ctx) {
                return ctx.finished && !ctx.lost && ctx.crash_after < 0 &&
                       ctx.ran.verdict == Outcome::kDone;
              });
    if (!batched) impl_->database->Execute("ROLLBACK TO batch");
    impl_->database->Execute("RELEASE batch");
    for (reprise_ctx& ctx : contexts) {
      if (!batched) break;
      impl_->database->Execute("SAVEPOINT call");
      impl_->Settle(ctx, now);
      ran.push_back(ctx.ran);
    }
  }
  if (batched) return ran;
  for (const Order& order : orders) ran.push_back(Run(bound, order));
  return ran;
}

Asked Host::Ask(std::string_view name, const Fields& fields) {
  for (std::size_t i = 0; const reprise_question* question = impl_->plugin.question_at(i); ++i) {
    if (FromAbi(question->name) != name) continue;
    reprise_ctx ctx = ContextOf(*this, *impl_->database, impl_->world, Kind::kQuestion);
    ctx.question = question;
    ctx.order.payload = fields;
    const reprise_call call{sizeof(reprise_call), &HostTable(), &ctx};
    impl_->database->AllowWrites(false);
    question->ask(impl_->self, &call);
    impl_->database->AllowWrites(true);
    return ctx.asked;
  }
  throw std::runtime_error("REPRISE_PLUGIN of this program has no question '" + std::string(name) +
                           "'");
}

std::string Host::NewSaga() {
  if (!saga.empty()) return saga;
  std::string number = std::to_string(++impl_->sagas);
  return "00000000-0000-7000-8000-" + std::string(12 - number.size(), '0') + number;
}

std::string Host::Sql(std::string_view sql, const std::vector<reprise_value>& args) {
  return impl_->database->Show(sql, args);
}

std::vector<Emitted> Host::Advance(Millis by) {
  now += by;
  std::vector<World::Timer>& timers = impl_->world.timers;
  std::stable_sort(timers.begin(), timers.end(),
                   [](const auto& a, const auto& b) { return a.due < b.due; });
  std::vector<Emitted> events;
  while (!timers.empty() && timers.front().due <= now) {
    events.push_back({timers.front().event, timers.front().added});
    timers.erase(timers.begin());
  }
  return events;
}

void Host::SetSaga(std::string_view id, std::string_view state, const Fields& root) {
  impl_->world.sagas[std::string(id)] = {std::string(state), ToText(root)};
}

HttpServer& Host::http() {
  if (!impl_->http) impl_->http = std::make_unique<HttpServer>();
  return *impl_->http;
}

namespace {

/// `remains` of one table: all of it, some columns, or the rows of a condition.
struct Left {
  bool table = false;
  std::set<std::string> columns;
  std::string where = "1 = 1";  // of the rows that do not remain
};

Left LeftOf(const std::string& table, const std::vector<std::string>& remains) {
  Left left;
  for (const std::string& entry : remains) {
    if (entry == table) left.table = true;
    if (entry.starts_with(table + ".")) left.columns.insert(entry.substr(table.size() + 1));
    if (entry.starts_with(table + " where "))
      left.where += " AND CASE WHEN (" + entry.substr(table.size() + 7) + ") THEN 0 ELSE 1 END = 1";
  }
  return left;
}

}  // namespace

std::vector<std::string> Host::Dump(const std::vector<std::string>& remains) const {
  std::vector<std::string> lines;
  for (auto [table, columns] : impl_->columns) {
    const Left left = LeftOf(table, remains);
    if (left.table) continue;
    std::erase_if(columns, [&](const std::string& name) { return left.columns.contains(name); });
    for (const std::string& row : impl_->database->Lines(table, columns, left.where))
      lines.push_back(table + ": " + row);
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

std::vector<std::string> Host::Effects() const {
  std::vector<std::string> lines;
  for (const World::Timer& timer : impl_->world.timers) {
    lines.push_back("timer: " + timer.event + " at " + Rfc3339(timer.due) + " " +
                    ToText(timer.added));
  }
  for (const Sent& sent : impl_->world.sent)
    lines.push_back("sent: " + sent.topic + " " + sent.key + " " + sent.bytes);
  for (const std::string& hint : impl_->world.hints) lines.push_back("hint: " + hint);
  const std::vector<HttpServer::Request> requests = impl_->Requests();
  const std::size_t from = impl_->memories.empty() ? 0 : impl_->memories.back().from;
  std::set<std::string> distinct;  // one key, one effect: that is what the key is for
  for (std::size_t i = from; i < requests.size(); ++i) {
    const auto header = requests[i].headers.find("idempotency-key");
    distinct.insert("request: " + requests[i].method + " " + requests[i].path + " key " +
                    (header == requests[i].headers.end() ? "none" : header->second) + " " +
                    requests[i].body);
  }
  lines.insert(lines.end(), distinct.begin(), distinct.end());
  std::sort(lines.begin(), lines.end());
  return lines;
}

void Host::Remember() {
  impl_->database->Execute("SAVEPOINT memory");
  impl_->memories.push_back({impl_->world, now, impl_->Requests().size()});
}

void Host::Restore() {
  impl_->database->Execute("ROLLBACK TO memory; RELEASE memory");
  impl_->world = std::move(impl_->memories.back().world);
  now = impl_->memories.back().now;
  impl_->memories.pop_back();
}

}  // namespace reprise::testkit
