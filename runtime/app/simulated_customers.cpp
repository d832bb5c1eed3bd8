#include "app/simulated_customers.h"

#include <algorithm>

#include <fmt/format.h>

#include "app/no_socket.h"

namespace reprise::runtime {
namespace {

constexpr int kTriesMax = 6;
constexpr Millis kPauses[] = {Millis(0),      Millis(0),      Millis(0),     Millis(50),
                              Millis(50),     Millis(1'000),  Millis(1'000), Millis(20'000),
                              Millis(90'000), Millis(300'000)};

bool Mutates(const Route& route) {
  return route.kind == RouteKind::kStart || route.kind == RouteKind::kRun ||
         route.kind == RouteKind::kSignal;
}

/// A refusal that asking again does not change; who has too little, or comes too early, may wish
/// on.
bool Final(int status) {
  return status == 400 || status == 404 || status == 409 || status == 422;
}

std::string Text(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
}

/// Its body names the token that other routes give.
bool NeedsToken(const Route& route) {
  return std::any_of(route.body.fields.begin(), route.body.fields.end(),
                     [](const BodyField& field) { return field.name == "token"; });
}

BodyType TextType() {
  BodyType type;
  type.kind = BodyType::kString;
  return type;
}

}  // namespace

SimulatedCustomers::SimulatedCustomers(SimulatedWorld& world, int most)
    : world_(world), dice_(world.dice()) {
  for (const PipelineRef& pipeline : world.loaded().pipelines) {
    bool begins = false;
    for (const Route& route : pipeline->routes) {
      begins = begins || route.kind == RouteKind::kStart || route.kind == RouteKind::kRun;
      if (route.kind == RouteKind::kStream) continue;
      for (int weight = Mutates(route) ? 3 : 1; weight > 0; --weight) routes_.push_back(&route);
    }
    if (begins) continue;
    for (const auto& [event, targets] : pipeline->targets) {
      if (event.find_first_of("./$") == std::string::npos) beginnings_.push_back({pipeline, event});
    }
  }
  const std::size_t count = 1 + dice_.Below("customers", static_cast<std::size_t>(most));
  const bool nothing = routes_.empty() && beginnings_.empty();
  customers_.reserve(count);
  for (std::size_t i = 0; i < count && !nothing; ++i) {
    const int number = static_cast<int>(i) + 1;
    customers_.emplace_back(number, SimulatedMemory(dice_, number));
    customers_[i].left = static_cast<int>(6 + dice_.Below("wishes", 12));
    Arrive(customers_[i]);
    Wait(customers_[i]);
  }
}

bool SimulatedCustomers::done() const {
  return std::all_of(customers_.begin(), customers_.end(), [](const Customer& customer) {
    return !customer.waiting && customer.left == 0 && !customer.again;
  });
}

std::optional<Time> SimulatedCustomers::Next() const {
  std::optional<Time> next;
  for (const Customer& customer : customers_) {
    if (customer.waiting || (customer.left == 0 && !customer.again)) continue;
    if (!next || customer.next < *next) next = customer.next;
  }
  return next;
}

/// Some time; or until a moment before, at or after the next thing that falls due.
void SimulatedCustomers::Wait(Customer& customer) {
  const Time now = world_.clock().Now();
  customer.next = now + kPauses[dice_.Below("pause", std::size(kPauses))];
  if (!dice_.Chance("wait for what is due", 0.25)) return;
  const auto due = world_.journal().NextDue();
  if (!due || !*due || **due >= kNoTime || **due - now > std::chrono::hours(1)) return;
  customer.next =
      std::max(now, **due + Millis(static_cast<std::int64_t>(dice_.Below("edge", 5)) - 2));
}

bool SimulatedCustomers::Act() {
  std::vector<Customer*> ready;
  for (Customer& customer : customers_) {
    const bool wants = customer.left > 0 || customer.again;
    if (!customer.waiting && wants && customer.next <= world_.clock().Now())
      ready.push_back(&customer);
  }
  if (ready.empty()) return false;
  Customer& customer = *ready[dice_.Below("who acts", ready.size())];
  if (customer.again) {
    Asked asked = std::move(*customer.again);
    customer.again.reset();
    Send(customer, std::move(asked));
  } else if (!routes_.empty() && (beginnings_.empty() || dice_.Chance("by a route", 0.5))) {
    --customer.left;
    AskSomething(customer);
  } else {
    --customer.left;
    BeginSomething(customer);
  }
  return true;
}

/// Whoever is new, or not known any more, asks first what anybody may ask: that is where tokens and
/// names of things come from.
void SimulatedCustomers::Arrive(Customer& customer) {
  customer.before.clear();
  for (const PipelineRef& pipeline : world_.loaded().pipelines) {
    for (const Route& route : pipeline->routes) {
      const bool open = route.check.empty() && route.path.find('{') == std::string::npos;
      const bool blind = route.kind == RouteKind::kAsk && open && !NeedsToken(route);
      if (blind) customer.before.push_back(&route);
    }
  }
}

void SimulatedCustomers::AskSomething(Customer& customer) {
  const Route* route = nullptr;
  std::string wish;
  if (!customer.before.empty()) {
    route = customer.before.back();
    customer.before.pop_back();
  } else if (dice_.Chance("make progress", 0.6)) {
    route = Progress(customer, wish);
  }
  if (!route) route = routes_[dice_.Below("route", routes_.size())];
  Asked asked = Compose(customer, *route);
  asked.wish = std::move(wish);
  Send(customer, std::move(asked));
}

/// A route that wants something of which he has one that he has not given it yet.
const Route* SimulatedCustomers::Progress(Customer& customer, std::string& wish) {
  std::vector<const Route*> found;
  std::vector<std::string> wishes;
  for (const Route* route : routes_) {
    if (!Mutates(*route)) continue;
    for (const BodyField& field : route->body.fields) {
      const json::value* known = customer.memory.Newest(field.name);
      if (!known) continue;
      wishes.push_back(route->name() + " " + field.name + "=" + Text(*known));
      if (customer.used.contains(wishes.back())) {
        wishes.pop_back();
      } else {
        found.push_back(route);
      }
    }
  }
  if (found.empty()) return nullptr;
  const std::size_t chosen = dice_.Below("which progress", found.size());
  wish = wishes[chosen];
  customer.used.insert(wish);
  return found[chosen];
}

/// A saga without a route, as `publish` would begin it.
void SimulatedCustomers::BeginSomething(Customer& customer) {
  const Beginning& chosen = beginnings_[dice_.Below("beginning", beginnings_.size())];
  json::object root;
  for (const Step& step : chosen.pipeline->steps) {
    const auto plugin = world_.catalog().find(step.plugin);
    if (plugin == world_.catalog().end()) continue;
    const ActionInfo* action = plugin->second.FindAction(step.action);
    for (const FieldInfo& field : action ? action->in : std::vector<FieldInfo>()) {
      BodyType type = TextType();
      if (field.type == FieldType::kInteger) type.kind = BodyType::kInteger;
      if (field.type == FieldType::kBoolean) type.kind = BodyType::kBoolean;
      if (!field.optional && !root.contains(field.name))
        root[field.name] = ValueOf(customer, field.name, type);
    }
    if (!step.key_field.empty() && !root.contains(step.key_field))
      root[step.key_field] = ValueOf(customer, step.key_field, TextType());
  }
  world_.Note(fmt::format("c{} begins {}/{} {}", customer.number, chosen.pipeline->name,
                          chosen.event, json::serialize(root)));
  Start start;
  start.pipeline = chosen.pipeline;
  start.event = chosen.event;
  start.root = Payload(std::move(root));
  start.done = [](const Result<bool>&) {};
  world_.Submit(std::move(start));
  Wait(customer);
}

// ---------------------------------------------------------------- what is asked

SimulatedCustomers::Asked SimulatedCustomers::Compose(Customer& customer, const Route& route) {
  Asked asked;
  asked.route = route.name();
  asked.begins = route.kind == RouteKind::kStart || route.kind == RouteKind::kRun;
  HttpRequest& request = asked.request;
  request.method = route.method;
  std::string before;
  for (const std::string& part : SegmentsOf(route.path)) {
    const bool field = part.size() > 2 && part.front() == '{';
    request.segments.push_back(
        field ? PathValue(customer, route, before, part.substr(1, part.size() - 2)) : part);
    request.path += "/" + request.segments.back();
    before = part;
  }
  json::object body;
  for (const BodyField& field : route.body.fields) {
    if (field.type.optional && dice_.Chance("leave a field out", 0.5)) continue;
    body[field.name] = ValueOf(customer, field.name, field.type);
  }
  if (route.method != "GET") {
    request.body = json::serialize(body);
    request.headers.emplace_back("content-type", "application/json");
    request.headers.emplace_back("idempotency-key",
                                 fmt::format("c{}-{}", customer.number, ++customer.keys));
  }
  if (const json::value* token = MemoryFor(customer, "token").Known("token"))
    request.headers.emplace_back("authorization", "Bearer " + Text(*token));
  customer.memory.Learn(body);
  return asked;
}

/// `{id}` behind `things` is what others call `thingId`; of a signal it is the saga's.
std::string SimulatedCustomers::PathValue(Customer& customer, const Route& route,
                                          const std::string& before, const std::string& name) {
  std::string called = name;
  if (name == "id" && !before.empty())
    called = before.substr(0, before.size() - (before.back() == 's' ? 1 : 0)) + "Id";
  if (route.kind == RouteKind::kSignal) called = "sagaId";
  return Text(ValueOf(customer, called, TextType()));
}

/// Mostly his own memory; now and then he says what only another can know.
const SimulatedMemory& SimulatedCustomers::MemoryFor(const Customer& customer,
                                                     const std::string& name) {
  const bool spies = customers_.size() > 1 && dice_.Chance("use another's " + name, 0.02);
  return spies ? customers_[dice_.Below("whose", customers_.size())].memory : customer.memory;
}

json::value SimulatedCustomers::ValueOf(const Customer& customer, const std::string& name,
                                        const BodyType& type) {
  return customer.memory.ValueOf(name, type, MemoryFor(customer, name));
}

// ---------------------------------------------------------------- and answered

void SimulatedCustomers::Send(Customer& customer, Asked asked) {
  world_.Note(fmt::format("c{} {} {}{}", customer.number, asked.request.method, asked.request.path,
                          asked.tries > 0 ? " again" : ""));
  customer.waiting = true;
  ++asked.tries;
  const HttpRequest request = asked.request;
  world_.Post(request, [this, &customer, asked = std::move(asked)](const HttpResponse* answer) {
    Answered(customer, asked, answer);
  });
}

void SimulatedCustomers::Answered(Customer& customer, Asked asked, const HttpResponse* answer) {
  customer.waiting = false;
  Wait(customer);
  const bool away = answer == nullptr || answer->status == 503;
  if (away) {
    if (asked.tries < kTriesMax) customer.again = std::move(asked);
    return;
  }
  json::error_code error;
  const json::value body = json::parse(answer->body, error);
  const json::object* fields = error ? nullptr : body.if_object();
  const std::string code = fields ? Payload(*fields).Text("code") : "";
  world_.Note(fmt::format("c{} got {} {}", customer.number, answer->status, code));
  if (answer->status == 401 && customer.before.empty()) Arrive(customer);
  if (answer->status >= 300) {
    if (!Final(answer->status)) customer.used.erase(asked.wish);
    refusals_.push_back({asked.route, code, fields ? Payload(*fields).Text("detail") : ""});
    return;
  }
  Check(asked, *answer);
  if (!error) customer.memory.Learn(body);
  if (asked.request.method != "GET" && asked.tries < kTriesMax && dice_.Chance("ask twice", 0.1)) {
    customer.again = std::move(asked);
  }
}

/// A promise is kept, and the same question has one answer.
void SimulatedCustomers::Check(Asked& asked, const HttpResponse& answer) {
  if (asked.begins && !asked.answered.empty() && asked.answered != answer.body) {
    world_.audit().Break(
        fmt::format("{} was answered differently under one Idempotency-Key", asked.route));
  }
  asked.answered = answer.body;
  if (answer.status != 202) return;
  json::error_code error;
  const json::value body = json::parse(answer.body, error);
  if (error || !body.is_object()) return;
  if (const auto saga = Uuid::Parse(Payload(body.get_object()).Text("sagaId")))
    accepted_.push_back(*saga);
}

}  // namespace reprise::runtime
