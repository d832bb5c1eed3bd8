/* Libraries that are no good, one per CASE. */
#include "plain.h"

static void* Create(const reprise_value* settings, size_t n, void (*why)(void*, reprise_str),
                    void* user) {
  (void)settings, (void)n, (void)why;
  return user;
}
static void Destroy(void* plugin) {
  (void)plugin;
}
static void* CreateAction(void* plugin, const reprise_value* with, size_t n,
                          void (*why)(void*, reprise_str), void* user) {
  (void)with, (void)n, (void)why, (void)user;
  return plugin;
}
static void Run(const void* self, const reprise_call* call) {
  (void)self, (void)call;
}

enum {
  NO_SYMBOL,
  NEXT_MAJOR,
  ENTRY_MAJOR,
  SHORT_ENTRY,
  NO_PLUGIN,
  SHORT_PLUGIN,
  NO_RUN_DO,
  NO_CREATE,
  BAD_NAME,
  ACTION_TWICE,
  ENDLESS,
  EVENT_NAME,
  FIELD_TYPE,
  MIGRATION_ORDER,
  BAD_STATUS
};

static const reprise_event_spec kEvent = {sizeof(reprise_event_spec), S("Not A Name"), NONE, 0,
                                          NULL};
static const reprise_event_spec* EventAt(size_t i) {
  return i == 0 && CASE == EVENT_NAME ? &kEvent : NULL;
}
static const reprise_field_spec kField = {
    sizeof(reprise_field_spec), 12, 0, 0, S("x"), NONE, NONE, NONE, NONE};
static const reprise_field_spec* FieldAt(size_t i) {
  return i == 0 && CASE == FIELD_TYPE ? &kField : NULL;
}
static const reprise_problem_spec kProblem = {sizeof(reprise_problem_spec), S("no"), NONE, 200};
static const reprise_problem_spec* ProblemAt(size_t i) {
  return i == 0 && CASE == BAD_STATUS ? &kProblem : NULL;
}
static const reprise_action kAction = {sizeof(reprise_action),
                                       S("act"),
                                       NONE,
                                       0,
                                       0,
                                       0,
                                       FieldAt,
                                       NULL,
                                       EventAt,
                                       ProblemAt,
                                       CreateAction,
                                       Destroy,
                                       CASE == NO_RUN_DO ? NULL : Run,
                                       NULL,
                                       NULL,
                                       NULL};
static const reprise_action* ActionAt(size_t i) {
  return i == 0 || (i == 1 && CASE == ACTION_TWICE) || CASE == ENDLESS ? &kAction : NULL;
}
static const reprise_migration kMigration = {sizeof(reprise_migration), 3, S("CREATE TABLE x (a)"),
                                             NONE};
static const reprise_migration* MigrationAt(size_t i) {
  return i < 2 && CASE == MIGRATION_ORDER ? &kMigration : NULL;
}

extern const reprise_plugin plugin_table;
__attribute__((visibility("hidden")))
const reprise_plugin plugin_table = {CASE == SHORT_PLUGIN ? 40 : sizeof(reprise_plugin),
                                     {CASE == BAD_NAME ? "../e" : "evil", 4},
                                     S("1"),
                                     NONE,
                                     NULL,
                                     MigrationAt,
                                     ActionAt,
                                     NULL,
                                     CASE == NO_CREATE ? NULL : Create,
                                     Destroy,
                                     NULL};

#define ENTRY                                                                                  \
  {                                                                                            \
    CASE == SHORT_ENTRY ? 8 : sizeof(reprise_entry), CASE == ENTRY_MAJOR ? 3 : 1, 0, S("gcc"), \
        CASE == NO_PLUGIN ? NULL : &plugin_table                                               \
  }
#if CASE_IS_NO_SYMBOL
REPRISE_EXPORT const reprise_entry some_other_symbol = ENTRY;
#elif CASE_IS_NEXT_MAJOR
REPRISE_EXPORT const reprise_entry reprise_entry_v2 = ENTRY;
#else
const reprise_entry reprise_entry_v1 = ENTRY;
#endif
