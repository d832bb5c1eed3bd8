/* One action that breaks the contract in the way its setting `how` names, and a question likewise.
 */
#include <pthread.h>

#include "plain.h"

typedef struct {
  char how[32];
} Rogue;

static const reprise_field_spec kHow = {
    sizeof(reprise_field_spec), REPRISE_TEXT, 0, 0, S("how"), NONE, NONE, NONE, NONE};
static const reprise_field_spec* HowAt(size_t i) {
  return i == 0 ? &kHow : NULL;
}
static const reprise_field_spec kN = {
    sizeof(reprise_field_spec), REPRISE_INT, 0, 0, S("n"), NONE, NONE, NONE, NONE};
static const reprise_field_spec* NAt(size_t i) {
  return i == 0 ? &kN : NULL;
}
static const reprise_event_spec kEvents[] = {
    {sizeof(reprise_event_spec), S("done"), NONE, 0, NULL},
    {sizeof(reprise_event_spec), S("counted"), NONE, 0, NAt},
    {sizeof(reprise_event_spec), S("due"), NONE, 1, NULL}};
static const reprise_event_spec* EventAt(size_t i) {
  return i < 3 ? &kEvents[i] : NULL;
}

static void* Create(void* plugin, const reprise_value* with, size_t n,
                    void (*why)(void*, reprise_str), void* user) {
  (void)plugin, (void)n, (void)why, (void)user;
  Rogue* rogue = calloc(1, sizeof(Rogue));
  memcpy(rogue->how, with[0].as.text.data, with[0].as.text.size < 31 ? with[0].as.text.size : 31);
  return rogue;
}

static reprise_call kept; /* what no plugin may keep */

static void* QueryElsewhere(void* call) {
  const reprise_call* c = call;
  reprise_status status = c->host->query(c->ctx, STR("SELECT 1"), NULL, 0, NULL, NULL, NULL);
  return status.code == REPRISE_INVALID ? call : NULL;
}

static void EmitOne(const reprise_call* call, reprise_str event, reprise_str name,
                    reprise_value value) {
  reprise_field field = {name, value};
  call->host->emit(call->ctx, event, &field, 1);
  Done(call);
}

static reprise_value Text(const char* text, size_t size) {
  reprise_value value = {REPRISE_TEXT, {0}};
  value.as.text.data = text;
  value.as.text.size = size;
  return value;
}

static void Act(const void* self, const reprise_call* call) {
  const char* how = ((const Rogue*)self)->how;
  const reprise_host* host = call->host;
  reprise_ctx* ctx = call->ctx;
  if (strcmp(how, "silent") == 0) return;
  if (strcmp(how, "twice") == 0) {
    Done(call);
    Finish(call, REPRISE_FAIL, STR("x"), (reprise_str)NONE);
  } else if (strcmp(how, "undeclared") == 0) {
    host->emit(ctx, STR("surprise"), NULL, 0);
    Done(call);
  } else if (strcmp(how, "timer-event") == 0) {
    host->emit(ctx, STR("due"), NULL, 0);
    Done(call);
  } else if (strcmp(how, "not-a-timer") == 0) {
    host->after(ctx, 5, STR("done"), NULL, 0);
    Done(call);
  } else if (strcmp(how, "two-events") == 0) {
    host->emit(ctx, STR("done"), NULL, 0);
    host->emit(ctx, STR("done"), NULL, 0);
    Done(call);
  } else if (strcmp(how, "verdict") == 0) {
    Finish(call, 77, (reprise_str)NONE, (reprise_str)NONE);
  } else if (strcmp(how, "null-outcome") == 0) {
    host->finish(ctx, NULL);
  } else if (strcmp(how, "short-outcome") == 0) {
    reprise_outcome out;
    memset(&out, 0, sizeof(out));
    out.size = 12;
    host->finish(ctx, &out);
  } else if (strcmp(how, "kept-in-do") == 0) {
    Finish(call, REPRISE_KEPT, (reprise_str)NONE, (reprise_str)NONE);
  } else if (strcmp(how, "undeclared-code") == 0) {
    Finish(call, REPRISE_FAIL, STR("whatever"), (reprise_str)NONE);
  } else if (strcmp(how, "commit") == 0) {
    host->query(ctx, STR("COMMIT"), NULL, 0, NULL, NULL, NULL);
    Done(call);
  } else if (strcmp(how, "after-finish") == 0) {
    Done(call);
    host->query(ctx, STR("SELECT 1"), NULL, 0, NULL, NULL, NULL);
    host->emit(ctx, STR("done"), NULL, 0);
  } else if (strcmp(how, "keep") == 0) {
    kept = *call;
    Done(call);
  } else if (strcmp(how, "use-kept") == 0) {
    const int refused =
        kept.host->query(kept.ctx, STR("SELECT 1"), NULL, 0, NULL, NULL, NULL).code ==
        REPRISE_INVALID;
    Finish(&kept, REPRISE_DONE, (reprise_str)NONE, STR("kept"));
    Finish(call, REPRISE_DONE, (reprise_str)NONE, refused ? STR("refused") : STR("taken"));
  } else if (strcmp(how, "thread") == 0) {
    pthread_t thread;
    void* refused = NULL;
    reprise_call copy = *call;
    pthread_create(&thread, NULL, QueryElsewhere, &copy);
    pthread_join(thread, &refused);
    Finish(call, REPRISE_DONE, (reprise_str)NONE, refused != NULL ? STR("refused") : STR("taken"));
  } else if (strcmp(how, "nul") == 0) {
    EmitOne(call, STR("done"), STR("text"), Text("a\0b", 3));
  } else if (strcmp(how, "not-utf8") == 0) {
    EmitOne(call, STR("done"), STR("text"), Text("\xFF\xFE", 2));
  } else if (strcmp(how, "infinite") == 0) {
    reprise_value value = {REPRISE_REAL, {0}};
    value.as.real = 1e308 * 10;
    EmitOne(call, STR("done"), STR("x"), value);
  } else if (strcmp(how, "bad-json") == 0) {
    reprise_value value = Text("1,\"y\":2", 7);
    value.type = REPRISE_JSON;
    EmitOne(call, STR("done"), STR("x"), value);
  } else if (strcmp(how, "lacks-field") == 0) {
    host->emit(ctx, STR("counted"), NULL, 0);
    Done(call);
  } else if (strcmp(how, "wrong-type") == 0) {
    EmitOne(call, STR("counted"), STR("n"), Text("7", 1));
  } else if (strcmp(how, "huge") == 0) {
    char* text = malloc(600 * 1024);
    memset(text, 'x', 600 * 1024);
    EmitOne(call, STR("done"), STR("x"), Text(text, 600 * 1024));
    free(text);
  } else if (strcmp(how, "respond") == 0) {
    host->respond(ctx, 200, NULL, 0);
    Done(call);
  } else if (strcmp(how, "rows") == 0) { /* no fault, but many */
    const reprise_str columns[4] = {S("a"), S("b"), S("c"), S("d")};
    reprise_value* cells = calloc(4 * 5000, sizeof(reprise_value));
    host->query_rows(ctx, STR("SELECT 1 FROM $rows AS r"), columns, 4, cells, 5000, NULL, NULL,
                     NULL);
    free(cells);
    Done(call);
  } else if (strcmp(how, "counters") == 0) {
    for (char name[] = "aa"; name[0] <= 'z'; ++name[0]) {
      for (name[1] = 'a'; name[1] <= 'z'; ++name[1]) host->metric(ctx, (reprise_str){name, 2}, 1);
    }
    Done(call);
  } else if (strcmp(how, "question-only") == 0) {
    int64_t out = 0;
    const int refused = host->count(ctx, STR("c"), 1, 0, &out).code == REPRISE_INVALID;
    Finish(call, REPRISE_DONE, (reprise_str)NONE, refused ? STR("refused") : STR("taken"));
  } else if (strcmp(how, "shout") == 0) {
    host->log(ctx, 3, STR("line one\nline two \x1b[2J"));
    Done(call);
  } else {
    Finish(call, REPRISE_RETRY, (reprise_str){how, strlen(how)}, (reprise_str)NONE);
  }
}

static const reprise_action kAct = {sizeof(reprise_action),
                                    S("act"),
                                    S("Misbehaves"),
                                    0,
                                    0,
                                    1,
                                    NULL,
                                    HowAt,
                                    EventAt,
                                    NULL,
                                    Create,
                                    free,
                                    Act,
                                    Act,
                                    NULL,
                                    NULL};
static const reprise_action* ActionAt(size_t i) {
  return i == 0 ? &kAct : NULL;
}

static void Ask(void* plugin, const reprise_call* call) {
  (void)plugin;
  reprise_value how;
  if (call->host->field(call->ctx, REPRISE_OF_PAYLOAD, STR("how"), &how).code != REPRISE_OK) return;
  reprise_answer answer;
  memset(&answer, 0, sizeof(answer));
  answer.size = sizeof(answer);
  if (Is(how.as.text, "kind")) answer.kind = 9;
  if (Is(how.as.text, "refuse")) {
    answer.kind = REPRISE_REFUSE;
    answer.code = STR("undeclared");
  }
  if (Is(how.as.text, "body")) {
    answer.kind = REPRISE_REPLY;
    answer.http = 200;
    answer.body = STR("{\"a\":");
  }
  if (Is(how.as.text, "status")) {
    answer.kind = REPRISE_REPLY;
    answer.http = 20;
    answer.body = STR("{}");
  }
  if (Is(how.as.text, "emit")) call->host->emit(call->ctx, STR("done"), NULL, 0);
  if (Is(how.as.text, "null"))
    call->host->answer(call->ctx, NULL);
  else
    call->host->answer(call->ctx, &answer);
  if (Is(how.as.text, "twice")) call->host->answer(call->ctx, NULL);
}
static const reprise_question kAsk = {
    sizeof(reprise_question), S("ask"), NONE, NULL, NULL, NULL, Ask};
static const reprise_question* QuestionAt(size_t i) {
  return i == 0 ? &kAsk : NULL;
}

static void* CreatePlugin(const reprise_value* settings, size_t n, void (*why)(void*, reprise_str),
                          void* user) {
  (void)settings, (void)n, (void)why, (void)user;
  return &kept;
}
static void DestroyPlugin(void* plugin) {
  (void)plugin;
}

static const reprise_plugin kPlugin = {
    sizeof(reprise_plugin), S("rogue"),    S("0.1"), NONE, NULL, NULL, ActionAt, QuestionAt,
    CreatePlugin,           DestroyPlugin, NULL};
const reprise_entry reprise_entry_v1 = {sizeof(reprise_entry), 1, 0, NONE, &kPlugin};
