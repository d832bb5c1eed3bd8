/* The binary contract between a host (the runtime, the test kit) and a plugin .so.  C11.
 *
 * Growth   Structs with `size` only gain fields, at the end, and travel by pointer, never in an array; a
 *          reader uses a field only if REPRISE_HAS(p, field).  reprise_str, reprise_status, reprise_value
 *          and reprise_field travel by value and are frozen.  Any other change is a new major and a new
 *          symbol, reprise_entry_v2, which a host may load beside v1.
 * Strings  reprise_str is UTF-8 or raw bytes, not NUL-terminated.  The callee may read it until the call
 *          returns and must copy what it keeps.  What the host hands out through `out` parameters lives
 *          until the plugin's function returns.  Nobody ever frees the other side's memory.
 * Errors   Numbers from REPRISE_OK.. below.  No exception, longjmp or signal may cross.
 * Threads  [loader] one thread, before any saga runs.  [worker] the thread that called the plugin, only
 *          until it returns.  [any] any thread, during that same window.
 * Time     Milliseconds; instants since the Unix epoch by the journal's clock.
 * Fields   Payloads are JSON objects.  The host parses; a plugin asks for fields by name and emits named
 *          values.  Objects and arrays cross as JSON text (REPRISE_JSON). */
#ifndef REPRISE_ABI_H_
#define REPRISE_ABI_H_

#include <stddef.h>
#include <stdint.h>

#define REPRISE_ABI_MAJOR 1 /* in the symbol name too */
#define REPRISE_ABI_MINOR 0 /* highest field set this header knows */
#define REPRISE_EXPORT __attribute__((visibility("default")))
#define REPRISE_HAS(p, field) ((p)->size >= offsetof(__typeof__(*(p)), field) + sizeof((p)->field))

#ifdef __cplusplus
extern "C" {
#endif

typedef struct reprise_str { const char* data; size_t size; } reprise_str;

enum { /* codes: reprise_status.code */
  REPRISE_OK = 0,
  REPRISE_UNAVAILABLE = 1, REPRISE_CONFLICT = 2, REPRISE_DEADLINE = 3, /* 1..31 may pass with time, */
  REPRISE_CANCELLED = 4, REPRISE_IN_DOUBT = 5, REPRISE_INTERNAL = 6,
  REPRISE_NOT_FOUND = 32, REPRISE_INVALID = 33, REPRISE_EXHAUSTED = 34, /* 32.. never will */
};
enum { /* reprise_value.type; from 16 on: only reprise_field_spec.type */
  REPRISE_NULL = 0, REPRISE_INT = 1, REPRISE_REAL = 2, REPRISE_TEXT = 3, REPRISE_BOOL = 4,
  REPRISE_BLOB = 5, REPRISE_JSON = 6,
  REPRISE_DURATION = 16, REPRISE_FIELD_NAME = 17, REPRISE_OBJECT = 18, REPRISE_ARRAY = 19,
};
enum { /* reprise_outcome.verdict of Do and Undo */
  REPRISE_DONE = 0, REPRISE_RETRY = 1, REPRISE_LATER = 2, REPRISE_KEPT = 3, REPRISE_FAIL = 4,
};
enum { REPRISE_FOUND_DONE = 0, REPRISE_FOUND_NOT_DONE = 1, REPRISE_FOUND_UNKNOWN = 2 };
enum { REPRISE_LAST_DONE = 0, REPRISE_LAST_UNKNOWN = 1, REPRISE_LAST_NEVER = 2 };
enum { REPRISE_ADD = 0, REPRISE_REPLY = 1, REPRISE_REFUSE = 2 }; /* reprise_answer.kind */
enum { /* what host->text gives */
  REPRISE_SAGA_ID = 0, REPRISE_STEP = 1, REPRISE_KEY = 2, REPRISE_MEMO = 3, REPRISE_IDEMPOTENCY_KEY = 4,
  REPRISE_DO_KEY = 5,  /* in Undo: the idempotency key that Do's call carried */
  REPRISE_PAYLOAD = 6, REPRISE_ROOT = 7, /* JSON */
  REPRISE_OTHERS = 8,  /* Undo of `undo: last`: JSON {"undone": [steps], "kept": [..], "stuck": [..]} */
  REPRISE_BEARER = 9,  /* questions: the bearer token, or empty */
  REPRISE_TRACE = 10,  /* traceparent, or empty */
};
enum { /* what host->number gives */
  REPRISE_ITEM = 0, REPRISE_ATTEMPT = 1, REPRISE_NOW = 2, REPRISE_REMAINING = 3, REPRISE_IS_CANCELLED = 4,
  REPRISE_LAST = 5, REPRISE_IS_UNDO = 6,
};
enum { REPRISE_OF_PAYLOAD = 0, REPRISE_OF_ROOT = 1 }; /* host->field */

typedef struct reprise_status { int32_t code; reprise_str message; } reprise_status;
typedef struct reprise_value {
  int32_t type;
  union { int64_t integer; double real; reprise_str text; } as; /* BOOL and DURATION: integer */
} reprise_value;
typedef struct reprise_field { reprise_str name; reprise_value value; } reprise_field;

typedef struct reprise_outcome {
  size_t size;
  int32_t verdict;
  int64_t after_ms;   /* LATER; RETRY: 0 = the step's backoff */
  reprise_str code;   /* FAIL, RETRY: short and stable, e.g. "sold_out"; becomes a metric label */
  reprise_str detail; /* for people; KEPT: why */
  reprise_str memo;   /* DONE of Do: journaled, handed to Undo */
} reprise_outcome;

typedef struct reprise_answer {
  size_t size;
  int32_t kind;
  int32_t http;                /* REPLY */
  const reprise_field* fields; /* ADD; REPLY unless `body` is set */
  size_t n_fields;
  reprise_str body;            /* REPLY: JSON text */
  reprise_str code, detail;    /* REFUSE; its HTTP status is the declared one */
} reprise_answer;

typedef struct reprise_saga_view {
  size_t size;
  reprise_str state; /* running, undoing, done, undone, stuck */
  reprise_str root;  /* JSON */
} reprise_saga_view;

typedef struct reprise_ctx reprise_ctx; /* opaque, the host's */
typedef void (*reprise_row_fn)(void* user, const reprise_value* columns, size_t n_columns);

/* What the host offers.  query, emit, respond, after, send, hint take effect iff the call ends DONE or
 * KEPT.  A function that does not fit the call (query in an external action, emit in a question) answers
 * INVALID. */
typedef struct reprise_host {
  size_t size;
  /* [worker] */
  reprise_str (*text)(reprise_ctx*, int32_t what);
  int64_t (*number)(const reprise_ctx*, int32_t what); /* [any] */
  /* [worker] A field of the payload.  NOT_FOUND: there is none.  Objects and arrays come as JSON. */
  reprise_status (*field)(reprise_ctx*, int32_t of, reprise_str name, reprise_value* out);
  /* [worker] One statement in the step's transaction (questions: reads); $1.. on every database; on_row
   * may be NULL; affected may be NULL.  INVALID: refused SQL; CONFLICT: a constraint. */
  reprise_status (*query)(reprise_ctx*, reprise_str sql, const reprise_value* args, size_t n_args,
                          reprise_row_fn on_row, void* user, int64_t* affected);
  /* [worker] One set-based statement: `$rows` stands for a table of n_rows x n_columns cells, row-major. */
  reprise_status (*query_rows)(reprise_ctx*, reprise_str sql, const reprise_str* columns, size_t n_columns,
                               const reprise_value* cells, size_t n_rows, reprise_row_fn on_row, void* user,
                               int64_t* affected);
  /* [worker] Questions only, at once: the counter becomes max(old + delta, floor), atomically. */
  reprise_status (*count)(reprise_ctx*, reprise_str counter, int64_t delta, int64_t floor, int64_t* out);
  /* [worker] Questions only: a saga of the own pipeline.  NOT_FOUND. */
  reprise_status (*saga)(reprise_ctx*, reprise_str id, reprise_saga_view* out);
  /* [worker] At most one event a Do.  INVALID: undeclared event, a field that is not valid UTF-8. */
  reprise_status (*emit)(reprise_ctx*, reprise_str event, const reprise_field* added, size_t n);
  reprise_status (*after)(reprise_ctx*, int64_t delay_ms, reprise_str event, const reprise_field* added, size_t n);
  reprise_status (*cancel_after)(reprise_ctx*, reprise_str event);
  reprise_status (*send)(reprise_ctx*, reprise_str topic, reprise_str key, reprise_str bytes);
  reprise_status (*respond)(reprise_ctx*, int32_t http, const reprise_field* body, size_t n); /* inline steps */
  reprise_status (*hint)(reprise_ctx*, reprise_str channel);
  void (*log)(reprise_ctx*, int32_t level, reprise_str text);        /* [any] 0 debug .. 3 error */
  void (*metric)(reprise_ctx*, reprise_str name, int64_t delta);     /* [any] */
  /* [worker] Exactly once per call; the host copies.  Missing: RETRY "no_outcome". */
  void (*finish)(reprise_ctx*, const reprise_outcome*);              /* run_do, run_undo, start */
  void (*found)(reprise_ctx*, int32_t what, reprise_str memo);       /* run_reconcile */
  void (*answer)(reprise_ctx*, const reprise_answer*);               /* ask */
} reprise_host;

/* One attempt; every field is constant until the call returns. */
typedef struct reprise_call {
  size_t size;
  const reprise_host* host;
  reprise_ctx* ctx;
} reprise_call;

/* One field of a payload, of settings, or of what an event adds: parsing, defaults, bounds, lint, JSON
 * Schema and docs come from it. */
typedef struct reprise_field_spec {
  size_t size;
  int32_t type;
  int32_t optional; /* may be absent; a setting with a default is optional */
  int32_t secret;   /* masked wherever it would be shown */
  reprise_str name, doc;
  reprise_str default_text, min_text, max_text; /* data == NULL: none; canonical text, durations in ms */
} reprise_field_spec;
typedef const reprise_field_spec* (*reprise_fields_fn)(size_t index); /* [loader] NULL past the last */

typedef struct reprise_problem_spec { /* an error a plugin may answer, declared */
  size_t size;
  reprise_str code, doc;
  int32_t http;
} reprise_problem_spec;
typedef const reprise_problem_spec* (*reprise_problems_fn)(size_t index);

typedef struct reprise_event_spec {
  size_t size;
  reprise_str name, doc;
  int32_t timer; /* emitted by a timer of the step, not by Do itself */
  reprise_fields_fn added;
} reprise_event_spec;

typedef struct reprise_action {
  size_t size;
  reprise_str name, summary; /* name without the plugin's: "hold" */
  int32_t external, idempotent, can_undo;
  reprise_fields_fn in, with;
  const reprise_event_spec* (*event_at)(size_t index);
  reprise_problems_fn error_at;
  /* [loader] `with` values in spec order, NULL-typed where absent.  NULL: refused, after telling `why` in
   * one line.  `plugin` is what create of the plugin returned. */
  void* (*create)(void* plugin, const reprise_value* with, size_t n, void (*why)(void*, reprise_str), void* user);
  void (*destroy)(void* self);                                       /* [loader] */
  void (*run_do)(const void* self, const reprise_call*);             /* [worker], concurrent across sagas */
  void (*run_undo)(const void* self, const reprise_call*);           /* [worker], concurrent across sagas */
  void (*run_reconcile)(const void* self, const reprise_call*);      /* NULL: not offered */
  /* NULL: not offered.  Calls of distinct keys.  Each item that is done calls finish; if the status is not
   * OK, or an item did not finish, the host discards everything and runs one by one. */
  reprise_status (*run_do_all)(const void* self, const reprise_call* const* calls, size_t n);
} reprise_action;

typedef struct reprise_question {
  size_t size;
  reprise_str name, summary;
  reprise_fields_fn in, out;
  reprise_problems_fn error_at;
  void (*ask)(void* plugin, const reprise_call*); /* [worker] ends with exactly one host->answer */
} reprise_question;

typedef struct reprise_migration { /* run once, in order of number */
  size_t size;
  int32_t number;
  reprise_str sql;      /* SQLite, and PostgreSQL unless `postgres` is set */
  reprise_str postgres; /* data == NULL: the same */
} reprise_migration;

typedef struct reprise_plugin {
  size_t size;
  reprise_str name, version, summary;
  reprise_fields_fn setting_at;
  const reprise_migration* (*migration_at)(size_t index);
  const reprise_action* (*action_at)(size_t index);
  const reprise_question* (*question_at)(size_t index);
  void* (*create)(const reprise_value* settings, size_t n, void (*why)(void*, reprise_str), void* user); /* [loader] */
  void (*destroy)(void* plugin);                         /* [loader] */
  /* [worker] Once per start, in a transaction, under a lock; query works.  Ends with finish.  NULL: none. */
  void (*start)(void* plugin, const reprise_call*);
} reprise_plugin;

typedef struct reprise_entry {
  size_t size;
  uint32_t abi_major, abi_minor;
  reprise_str built_with; /* for error messages only, never compared */
  const reprise_plugin* plugin;
} reprise_entry;

REPRISE_EXPORT extern const reprise_entry reprise_entry_v1; /* the only exported symbol */

#ifdef __cplusplus
}
#endif
#endif /* REPRISE_ABI_H_ */
