/* A plugin in plain C that does everything right: proof that the ABI is one of C. */
#include "plain.h"

typedef struct {
  int64_t limit, opens_ms;
} Shop;
typedef struct {
  Shop* shop;
  char greeting[64];
} Order;

#define FIELD(type, optional, secret, name, doc, fallback, min, max) \
  { sizeof(reprise_field_spec), type, optional, secret, S(name), S(doc), fallback, min, max }
#define LIST(function, type, array)                                 \
  static const type* function(size_t i) {                           \
    return i < sizeof(array) / sizeof(array[0]) ? &array[i] : NULL; \
  }

static const reprise_field_spec kSettings[] = {
    FIELD(REPRISE_INT, 1, 0, "limit", "orders a customer may have", S("3"), S("1"), S("100")),
    FIELD(REPRISE_DURATION, 1, 0, "opens_in", "when the shop opens", S("90000"), NONE, NONE),
    FIELD(REPRISE_TEXT, 1, 1, "secret", "signs receipts | bills", NONE, NONE, NONE)};
static const reprise_field_spec kWith[] = {
    FIELD(REPRISE_TEXT, 0, 0, "greeting", "first words", NONE, NONE, NONE)};
static const reprise_field_spec kIn[] = {
    FIELD(REPRISE_TEXT, 0, 0, "thing", "what is ordered", NONE, NONE, NONE),
    FIELD(REPRISE_INT, 1, 0, "n", "how many", NONE, NONE, NONE)};
static const reprise_field_spec kAdded[] = {
    FIELD(REPRISE_INT, 0, 0, "number", "of the order", NONE, NONE, NONE)};
static const reprise_field_spec kPrice[] = {
    FIELD(REPRISE_INT, 0, 0, "price", "in cents", NONE, NONE, NONE)};
LIST(SettingAt, reprise_field_spec, kSettings)
LIST(WithAt, reprise_field_spec, kWith)
LIST(InAt, reprise_field_spec, kIn)
LIST(AddedAt, reprise_field_spec, kAdded)
LIST(PriceAt, reprise_field_spec, kPrice)

static const reprise_event_spec kEvents[] = {
    {sizeof(reprise_event_spec), S("placed"), S("the order stands"), 0, AddedAt},
    {sizeof(reprise_event_spec), S("late"), S("nobody came for it"), 1, NULL}};
LIST(EventAt, reprise_event_spec, kEvents)
static const reprise_problem_spec kErrors[] = {
    {sizeof(reprise_problem_spec), S("sold_out"), S("nothing is left"), 409}};
LIST(ErrorAt, reprise_problem_spec, kErrors)

static const reprise_migration kMigrations[] = {
    {sizeof(reprise_migration), 1,
     S("CREATE TABLE shop_order (thing TEXT PRIMARY KEY, n INTEGER NOT NULL)"), NONE},
    {sizeof(reprise_migration), 2, S("CREATE TABLE shop_start (at INTEGER)"),
     S("CREATE TABLE shop_start (at BIGINT)")}};
LIST(MigrationAt, reprise_migration, kMigrations)

static void* CreateOrder(void* plugin, const reprise_value* with, size_t n,
                         void (*why)(void*, reprise_str), void* user) {
  if (n != 1 || with[0].type != REPRISE_TEXT || with[0].as.text.size == 0 ||
      with[0].as.text.size > 63) {
    why(user, STR("'greeting' must be a few words"));
    return NULL;
  }
  Order* order = calloc(1, sizeof(Order));
  order->shop = plugin;
  memcpy(order->greeting, with[0].as.text.data, with[0].as.text.size);
  return order;
}

static int64_t NOf(const reprise_call* call) {
  reprise_value n;
  return call->host->field(call->ctx, REPRISE_OF_PAYLOAD, STR("n"), &n).code == REPRISE_OK
             ? n.as.integer
             : 1;
}

static int Place(const Order* order, const reprise_call* call) {
  const reprise_host* host = call->host;
  reprise_value args[2];
  if (host->field(call->ctx, REPRISE_OF_PAYLOAD, STR("thing"), &args[0]).code != REPRISE_OK)
    return 0;
  args[1].type = REPRISE_INT;
  args[1].as.integer = NOf(call);
  if (args[1].as.integer > order->shop->limit) {
    Finish(call, REPRISE_FAIL, STR("sold_out"), (reprise_str)NONE);
    return 1;
  }
  reprise_status status = host->query(call->ctx, STR("INSERT INTO shop_order VALUES ($1, $2)"),
                                      args, 2, NULL, NULL, NULL);
  if (status.code != REPRISE_OK) {
    Finish(call, REPRISE_RETRY, STR("unavailable"), (reprise_str)NONE);
    return 1;
  }
  reprise_field number = {S("number"), args[1]};
  host->emit(call->ctx, STR("placed"), &number, 1);
  host->after(call->ctx, order->shop->opens_ms, STR("late"), NULL, 0);
  host->hint(call->ctx, STR("shop"));
  host->metric(call->ctx, STR("orders"), 1);
  reprise_str greeting = {order->greeting, strlen(order->greeting)};
  host->log(call->ctx, 1, greeting);
  Finish(call, REPRISE_DONE, (reprise_str)NONE, args[0].as.text);
  return 1;
}
static void DoOrder(const void* self, const reprise_call* call) {
  Place(self, call);
}

static reprise_status DoAllOrders(const void* self, const reprise_call* const* calls, size_t n) {
  reprise_status status = {REPRISE_OK, NONE};
  for (size_t i = 0; i < n; ++i) {
    if (NOf(calls[i]) == 99)
      status.code = REPRISE_CONFLICT;
    else if (NOf(calls[i]) != 98)
      Place(self, calls[i]); /* 98 is left unfinished */
  }
  return status;
}

static void UndoOrder(const void* self, const reprise_call* call) {
  (void)self;
  reprise_value memo = {REPRISE_TEXT, {0}};
  memo.as.text = call->host->text(call->ctx, REPRISE_MEMO);
  if (call->host->number(call->ctx, REPRISE_LAST) == REPRISE_LAST_NEVER) {
    Finish(call, REPRISE_KEPT, (reprise_str)NONE, (reprise_str)NONE);
    return;
  }
  call->host->query(call->ctx, STR("DELETE FROM shop_order WHERE thing = $1"), &memo, 1, NULL, NULL,
                    NULL);
  Done(call);
}

/* An external action: calls out with its idempotency key. */
static void* CreateCall(void* plugin, const reprise_value* with, size_t n,
                        void (*why)(void*, reprise_str), void* user) {
  (void)with, (void)n, (void)why, (void)user;
  return plugin;
}
static void KeepCall(void* self) {
  (void)self;
}
static void DoCall(const void* self, const reprise_call* call) {
  (void)self;
  if (call->host->number(call->ctx, REPRISE_REMAINING) <= 0) {
    Finish(call, REPRISE_RETRY, STR("deadline"), (reprise_str)NONE);
    return;
  }
  Finish(call, REPRISE_DONE, (reprise_str)NONE,
         call->host->text(call->ctx, REPRISE_IDEMPOTENCY_KEY));
}
static void UndoCall(const void* self, const reprise_call* call) {
  (void)self, Done(call);
}
static void ReconcileCall(const void* self, const reprise_call* call) {
  (void)self;
  const reprise_str key = call->host->text(call->ctx, REPRISE_KEY);
  if (Is(key, "silent")) return;
  call->host->emit(call->ctx, STR("placed"), &(reprise_field){S("number"), {REPRISE_INT, {7}}}, 1);
  call->host->found(call->ctx, Is(key, "there") ? REPRISE_FOUND_DONE : REPRISE_FOUND_NOT_DONE,
                    STR("found-memo"));
}

static const reprise_action kActions[] = {
    {sizeof(reprise_action), S("order"), S("Places an order"), 0, 0, 1, InAt, WithAt, EventAt,
     ErrorAt, CreateOrder, free, DoOrder, UndoOrder, NULL, DoAllOrders},
    {sizeof(reprise_action), S("call"), S("Calls the supplier"), 1, 1, 1, NULL, NULL, EventAt, NULL,
     CreateCall, KeepCall, DoCall, UndoCall, ReconcileCall, NULL}};
LIST(ActionAt, reprise_action, kActions)

static void AskPrice(void* plugin, const reprise_call* call) {
  (void)plugin;
  reprise_answer answer;
  memset(&answer, 0, sizeof(answer));
  answer.size = sizeof(answer);
  reprise_value thing;
  reprise_field fields[1] = {{S("price"), {REPRISE_INT, {500}}}};
  if (call->host->field(call->ctx, REPRISE_OF_PAYLOAD, STR("thing"), &thing).code ==
      REPRISE_NOT_FOUND) {
    answer.kind = REPRISE_REFUSE;
    answer.code = STR("no_such_thing");
  } else if (Is(thing.as.text, "all")) {
    answer.kind = REPRISE_REPLY;
    answer.http = 200;
    answer.body = STR("[{\"price\":500}]");
  } else if (Is(thing.as.text, "one")) {
    answer.kind = REPRISE_REPLY;
    answer.http = 200;
    answer.fields = fields;
    answer.n_fields = 1;
  } else {
    answer.kind = REPRISE_ADD;
    answer.fields = fields;
    answer.n_fields = 1;
  }
  call->host->answer(call->ctx, &answer);
}

/* Counts, looks at a saga, and says who asks. */
static void AskTurn(void* plugin, const reprise_call* call) {
  (void)plugin;
  reprise_field fields[3] = {{S("turn"), {REPRISE_INT, {0}}},
                             {S("saga"), {REPRISE_TEXT, {0}}},
                             {S("who"), {REPRISE_TEXT, {0}}}};
  reprise_value id;
  reprise_saga_view view;
  memset(&view, 0, sizeof(view));
  view.size = sizeof(view);
  call->host->count(call->ctx, STR("turn"), 1, 0, &fields[0].value.as.integer);
  call->host->field(call->ctx, REPRISE_OF_PAYLOAD, STR("saga"), &id);
  fields[1].value.as.text = call->host->saga(call->ctx, id.as.text, &view).code == REPRISE_OK
                                ? view.state
                                : (reprise_str)S("none");
  fields[2].value.as.text = call->host->text(call->ctx, REPRISE_BEARER);
  reprise_answer answer;
  memset(&answer, 0, sizeof(answer));
  answer.size = sizeof(answer);
  answer.kind = REPRISE_ADD;
  answer.fields = fields;
  answer.n_fields = 3;
  call->host->answer(call->ctx, &answer);
}

static const reprise_problem_spec kPriceErrors[] = {
    {sizeof(reprise_problem_spec), S("no_such_thing"), S("the shop does not sell it"), 404}};
LIST(PriceErrorAt, reprise_problem_spec, kPriceErrors)
static const reprise_question kQuestions[] = {
    {sizeof(reprise_question), S("price"), S("What a thing costs"), NULL, PriceAt, PriceErrorAt,
     AskPrice},
    {sizeof(reprise_question), S("turn"), S("Whose turn it is"), NULL, NULL, NULL, AskTurn}};
LIST(QuestionAt, reprise_question, kQuestions)

static void* Create(const reprise_value* settings, size_t n, void (*why)(void*, reprise_str),
                    void* user) {
  if (n != 3 || settings[0].type != REPRISE_INT || settings[1].type != REPRISE_INT) return NULL;
  if (settings[0].as.integer == 13) {
    why(user, STR("'limit' may not be 13"));
    return NULL;
  }
  Shop* shop = malloc(sizeof(Shop));
  shop->limit = settings[0].as.integer;
  shop->opens_ms = settings[1].as.integer;
  return shop;
}

static void Start(void* plugin, const reprise_call* call) {
  const Shop* shop = plugin;
  reprise_value now = {REPRISE_INT, {0}};
  now.as.integer = call->host->number(call->ctx, REPRISE_NOW);
  call->host->query(call->ctx, STR("INSERT INTO shop_start VALUES ($1)"), &now, 1, NULL, NULL,
                    NULL);
  if (shop->limit == 66)
    Finish(call, REPRISE_FAIL, STR("internal"), (reprise_str)NONE);
  else
    Done(call);
}

static const reprise_plugin kPlugin = {sizeof(reprise_plugin),
                                       S("shop"),
                                       S("1.2.0"),
                                       S("Sells things"),
                                       SettingAt,
                                       MigrationAt,
                                       ActionAt,
                                       QuestionAt,
                                       Create,
                                       free,
                                       Start};
const reprise_entry reprise_entry_v1 = {sizeof(reprise_entry), REPRISE_ABI_MAJOR, REPRISE_ABI_MINOR,
                                        S("a C compiler"), &kPlugin};
