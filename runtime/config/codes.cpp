#include "config/codes.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

namespace reprise::runtime {
namespace {

constexpr CodeInfo kCodes[] = {
    // ---- reading a file
    {"RPR001", "a file cannot be read",
     "The file is missing, not readable, larger than 1 MiB, or not UTF-8 text.",
     "(a folder that does not exist)"},
    {"RPR002", "not valid YAML",
     "The text cannot be parsed; everything after this place is unknown.  YAML tags (!!str, !x) "
     "are refused too.",
     "steps:\n  hold: { plugin: demo.hold"},
    {"RPR003", "a tab in the indentation", "YAML is indented by spaces only.",
     "steps:\n\thold: {}"},
    {"RPR004", "a second document",
     "One file holds one document; a second one behind `---` would be silently ignored.",
     "pipeline: a\n---\npipeline: b"},
    {"RPR005", "nested too deep", "More than 64 levels; no pipeline needs that.",
     "a: [[[[[[...]]]]]]"},
    {"RPR006", "too many values",
     "More than 100,000 values once aliases are expanded: a few lines of aliases can stand for "
     "billions.",
     "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]"},
    {"RPR007", "an alias that contains itself", "The value would be endless.", "a: &a [*a]"},
    {"RPR008", "a merge key",
     "`<<` is not part of YAML 1.2 and hides where a key comes from; write the keys out.",
     "retry: { <<: *standard, attempts: 3 }"},
    {"RPR009", "a duplicate key",
     "YAML would silently keep one of the two.  Names of steps and side steps share one space.",
     "timeout: 5m\ntimeout: 10m"},
    {"RPR010", "an unknown key", "Nothing reads this key; most often it is mistyped.",
     "steps:\n  hold: { plugin: demo.hold, onn: requested }"},
    {"RPR011", "a key is missing", "Without it the thing cannot work.",
     "topics:\n  orders: { format: json }   # no start"},
    {"RPR012", "the wrong kind of value", "A map was wanted and a text is there, or the like.",
     "routes: [a, b]"},
    {"RPR013", "a wrong value",
     "Out of bounds, not one of the words, not a duration (100ms, 5m, 7d) or size (64MiB).",
     "timeout: soon"},
    {"RPR014", "not a name",
     "Names of pipelines, steps, events and signals are lower-case letters, digits and '-', a "
     "letter first; names of\n"
     "payload fields are letters, digits and '_'.  They become topics, metric labels and columns.",
     "pipeline: My Pipeline"},
    {"RPR015", "not a file of Reprise",
     "The first key says what a file is: `pipeline`, `runtime` or `test`.", "steps: {}"},
    {"RPR016", "defined twice",
     "Two files define the same pipeline, or there are two runtime files (choose with --config).",
     "pipeline: orders   # in a.yaml and in b.yaml"},
    // ---- interpolation
    {"RPR020", "a variable is unset",
     "${VAR} must be set and not empty.  Write ${VAR:default}, or ${VAR:} if empty is allowed.",
     "secret: ${SIGNING_KEY}"},
    {"RPR021", "a malformed interpolation",
     "Known are ${VAR}, ${VAR:default}, ${file:/path} and ${{the text itself}}.",
     "listen: ${REPRISE_LISTEN"},
    {"RPR022", "an unquoted interpolation inside { }",
     "There YAML takes the braces for its own.  Put it in quotes.",
     "postgres: { url: ${DATABASE_URL} }"},
    {"RPR023", "a file of ${file:...} cannot be read",
     "It is missing, not readable, or larger than 64 KiB.", "secret: ${file:/run/secrets/none}"},
    {"RPR024", "a secret stands in the file",
     "Files are read by many and kept for ever.  Write ${VAR} or ${file:/path}.",
     "postgres: { url: postgresql://reprise:hunter2@db/shop }"},
    // ---- types and settings
    {"RPR030", "not a type",
     "Types are string(1..64), integer(1..9), number, boolean, object, [T], {...}, each perhaps "
     "`optional`.",
     "body: { amount: int }"},
    {"RPR031", "an unknown setting",
     "The plugin declares its settings; this is none of them.  `reprise plugin describe` lists "
     "them.",
     "with: { hold_fro: 5m }"},
    {"RPR032", "a setting is missing", "The plugin declares it without a default.",
     "plugin: demo.hold   # which needs `for`"},
    {"RPR033", "a setting of the wrong type or out of bounds",
     "The plugin declares type and bounds.", "with: { for: soon }"},
    // ---- names
    {"RPR040", "a plugin is not installed",
     "No .so of that name is in the plugin folders, or it was refused.", "plugin: stokc.hold"},
    {"RPR041", "an unknown action", "The plugin has no action of that name.", "plugin: stock.hodl"},
    {"RPR042", "an unknown question", "The plugin has no question of that name.", "ask: stock.lst"},
    {"RPR043", "an unknown event", "No route, topic or step emits it.", "on: reserve.hold"},
    {"RPR044", "an unknown step",
     "The pipeline has no step of that name (or it is a side step, which has no part in undo).",
     "on_failure: { undo: [resreve] }"},
    {"RPR045", "an unknown pipeline", "`on: pipeline/event` names a pipeline that is not loaded.",
     "on: bililng/$undone"},
    {"RPR046", "not an error code",
     "Codes are stable names that become metric labels: lower-case letters, digits and '_'.",
     "stop: { on: approve.late, fail: Not Approved! }"},
    {"RPR047", "a signal that nobody waits for", "No step says `wait: { for: NAME }`.",
     "POST /x/{id}/approve: { signal: aproved }"},
    // ---- routes
    {"RPR050", "not a route", "A route is METHOD /path, with {field} for a part of the path.",
     "FETCH /stock: { ask: stock.list }"},
    {"RPR051", "a route that does not say what it does",
     "Exactly one of start, run, ask, signal and stream.",
     "POST /orders: { body: { id: string } }"},
    {"RPR052", "a key that does not fit the route",
     "For example `lock` needs a saga, and GET has no body.", "GET /x: { ask: a.b, lock: id }"},
    {"RPR053", "two routes for the same requests", "Only one of them could answer.",
     "GET /x/{id}: ...\nGET /x/{name}: ..."},
    {"RPR054", "a path of the runtime's own",
     "/api, /livez, /readyz and /metrics are answered by the runtime.",
     "GET /metrics: { ask: a.b }"},
    {"RPR055", "a check sets what the request names",
     "A caller could then say who he is.  Take the field out of body, query or path.",
     "POST /x: { body: { caller: string }, check: [door.who], start: begun }"},
    {"RPR056", "a signal without a saga",
     "A signal goes to the saga whose id is the path field {id}.",
     "POST /approve: { signal: approved }"},
    {"RPR057", "a question lacks a field",
     "What it declares as input is neither in the request nor added by an earlier check.",
     "GET /x: { ask: demo.status }   # which needs `id`"},
    {"RPR058", "a field named twice, or not at all",
     "The request names one field in two places, `id` takes a field's name, or\n"
     "`location` names a field that the payload lacks.",
     "POST /x/{id}: { body: { id: string }, start: begun }"},
    {"RPR059", "a key that does not fit the format of a topic",
     "A raw record has no body, and only a CloudEvent has a ce_id.",
     "topics:\n  orders: { format: json, dedupe: ce_id, start: requested }"},
    // ---- steps
    {"RPR060", "a step that does not say what it is",
     "Exactly one of plugin, wait and fail; a side step has a plugin.", "hold: { on: requested }"},
    {"RPR061", "a key that does not fit the step",
     "A side step can neither join nor fail, delay or undo a saga.",
     "side: { tell: { plugin: a.b, on: { all: [x.y, z.w] } } }"},
    {"RPR062", "too many steps",
     "At most 64 steps a pipeline.  Split it; the second begins `on: first/step.event`.",
     "(65 steps)"},
    {"RPR063", "when a step runs", "A step that a route runs takes no `on`; a side step needs one.",
     "POST /x: { run: [take] } ... take: { on: requested }"},
    {"RPR064", "an event that this step cannot listen to",
     "Steps: events of steps, routes, topics and other pipelines.  Side steps: these but no other "
     "pipeline's, `*`, `$done`,\n"
     "`$undone`, `$failed`, `$stuck` and what is told.  Nothing follows a side step.",
     "steps: { hold: { on: $done } }"},
    {"RPR065", "an inline step that is external",
     "Steps of `run:` share the route's transaction; an external call cannot be rolled back.",
     "POST /x: { run: [call] }   # call is external"},
    {"RPR066", "an inline step that is no action", "A wait or a fail cannot answer a request.",
     "POST /x: { run: [approve] }"},
    // ---- the flow
    {"RPR070", "an event that nobody handles",
     "A route's event leads nowhere, or some events of a step are handled and this one was\n"
     "forgotten.  A side step on \"*\" handles all.",
     "free: { on: release.expired }   # and nobody handles release.kept"},
    {"RPR071", "an unreachable step", "No route, topic or other pipeline leads to it.",
     "free: { plugin: stock.free }   # no `on`, no route runs it"},
    {"RPR072", "a cycle",
     "A step runs at most once per saga, so these would wait for each other for ever.",
     "a: { on: b.x } ... b: { on: a.y }"},
    {"RPR073", "events that can both happen",
     "A step runs once; the second event would be a dead letter.  Join them with { all: [..] }\n"
     "or make two steps.",
     "tell: { on: [hold.held, pay.captured] }"},
    {"RPR074", "a join that never completes",
     "Its events exclude each other: a Do emits at most one of its action's events.",
     "both: { on: { all: [hold.held, hold.rejected] } }"},
    {"RPR075", "a key, lock or subject that is not in the root payload",
     "It is evaluated once, when the saga is accepted, so that do and undo of a step always share "
     "a lane.",
     "hold: { plugin: stock.hold, on: requested, key: item }   # the body says itemId"},
    {"RPR076", "a step lacks a field",
     "What its action declares as input is not surely in its payload.",
     "confirm: { plugin: order.confirm, on: begun }   # which needs `version`"},
    {"RPR077", "a setting names a field that is not there",
     "The field must surely be in the step's payload.", "with: { at: expiresAtt }"},
    {"RPR078", "a field of another type",
     "What emits the field and what needs it declare different types.",
     "body: { itemId: integer } ... plugin: stock.hold   # which needs text"},
    {"RPR079", "an event that changes a key",
     "Keys, locks and the subject are evaluated once; no event may set these fields.",
     "hold: { key: itemId }   # and its event `held` sets itemId"},
    {"RPR080", "a step that cannot be undone, in an undo scope",
     "Its action says that Undo does nothing, yet a failure would undo it.",
     "mail: { plugin: mail.send, on: a.b }   # external, no undo; c fails and undoes all"},
    {"RPR081", "a last step that does not say what its failure undoes",
     "No step follows it, so nobody else decides: on_failure: { undo: all | none | [..] }.",
     "mail: { plugin: mail.send, on: a.b }"},
    {"RPR082", "a step behind `undo: last`",
     "Its Undo would come after people were told that all is undone.",
     "more: { on: tell.told }   # tell says undo: last"},
    {"RPR083", "a timer longer than the pipeline's timeout",
     "The saga would be undone before the timer fires.",
     "timeout: 10m ... wait: { for: approved, at_most: 1h }"},
};

}  // namespace

std::span<const CodeInfo> AllCodes() {
  return kCodes;
}

const CodeInfo* FindCode(std::string_view code) {
  std::string wanted;
  for (const char c : code)
    wanted += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (!wanted.starts_with("RPR"))
    wanted = "RPR" + std::string(wanted.size() < 3 ? 3 - wanted.size() : 0, '0') + wanted;
  const auto found = std::find_if(std::begin(kCodes), std::end(kCodes),
                                  [&](const CodeInfo& info) { return info.code == wanted; });
  return found == std::end(kCodes) ? nullptr : &*found;
}

std::string Explain(const CodeInfo& info) {
  std::string out = fmt::format("{}: {}\n\n{}\n\nFor example\n", info.code, info.title, info.why);
  std::string_view left = info.example;
  while (!left.empty()) {
    const size_t end = std::min(left.find('\n'), left.size());
    out += fmt::format("    {}\n", left.substr(0, end));
    left.remove_prefix(std::min(end + 1, left.size()));
  }
  return out;
}

}  // namespace reprise::runtime
