// A plugin that does, to order, everything a plugin must not: straight over abi.h, so that nothing
// of the SDK stands in its way.  The field `kind` of the payload says what.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

#include <unistd.h>

#include <reprise/abi.h>

namespace {

constexpr reprise_str Str(std::string_view text) {
  return {text.data(), text.size()};
}

void Finish(const reprise_call* call, int verdict, std::string_view code = {}) {
  reprise_outcome out{};
  out.size = sizeof out;
  out.verdict = verdict;
  out.code = Str(code);
  call->host->finish(call->ctx, &out);
}

void Done(const reprise_call* call, std::string_view event = {}) {
  if (!event.empty()) call->host->emit(call->ctx, Str(event), nullptr, 0);
  Finish(call, REPRISE_DONE);
}

std::string Field(const reprise_call* call, std::string_view name) {
  reprise_value value{};
  if (call->host->field(call->ctx, REPRISE_OF_PAYLOAD, Str(name), &value).code != REPRISE_OK)
    return {};
  return {value.as.text.data, value.as.text.size};
}

void Query(const reprise_call* call, std::string_view sql, const std::string& who) {
  reprise_value arg{};
  arg.type = REPRISE_TEXT;
  arg.as.text = Str(who);
  const bool any = sql.find("$1") != std::string_view::npos;
  call->host->query(call->ctx, Str(sql), &arg, any ? 1 : 0, nullptr, nullptr, nullptr);
}

volatile int sink = 0;
volatile int bottom = -1;
int Deeper(int depth) {  // NOLINT(misc-no-recursion): until the stack ends
  volatile char frame[4096];
  frame[0] = static_cast<char>(depth);
  if (depth == bottom) return 0;
  const int below = Deeper(depth + 1);
  return below + frame[0];
}

/// Takes all there is and gives nothing back.
void Exhaust() {
  for (;;) {
    constexpr std::size_t kPiece = 16 << 20;
    char* const piece = new char[kPiece];
    std::memset(piece, 1, kPiece);
    sink = piece[kPiece / 2];
  }
}

/// What takes the process with it, or never comes back; false if `kind` is none of these.
bool Ruin(std::string_view kind) {
  if (kind == "segfault") {
    auto* const nowhere = reinterpret_cast<volatile int*>(static_cast<std::intptr_t>(sink) + 8);
    *nowhere = 1;  // volatile: no compiler may reason it away
  } else if (kind == "abort") {
    std::abort();
  } else if (kind == "exit") {
    std::exit(0);  // NOLINT(concurrency-mt-unsafe): that is the point
  } else if (kind == "stack") {
    sink = Deeper(0);
  } else if (kind == "memory") {
    Exhaust();
  } else if (kind == "hang") {
    for (;;) pause();
  } else if (kind == "spin") {
    for (;;) sink = sink + 1;
  } else {
    return false;
  }
  return true;
}

void EmitHuge(const reprise_call* call) {
  const std::string text(64 << 20, 'x');
  reprise_field field{Str("x"), {}};
  field.value.type = REPRISE_TEXT;
  field.value.as.text = Str(text);
  call->host->emit(call->ctx, Str("done"), &field, 1);
  Finish(call, REPRISE_DONE);
}

/// Many events, or many records, or a few that are large; what is refused is not looked at.
bool Flood(const reprise_call* call, std::string_view kind) {
  if (kind == "emit-10000") {
    for (int i = 0; i < 10'000; ++i) call->host->emit(call->ctx, Str("done"), nullptr, 0);
  } else if (kind == "send-10000") {
    for (int i = 0; i < 10'000; ++i) call->host->send(call->ctx, Str("flood"), Str("k"), Str("x"));
  } else if (kind == "send-large") {
    const std::string text(100 << 10, 'x');
    for (int i = 0; i < 10'000; ++i) call->host->send(call->ctx, Str("flood"), Str("k"), Str(text));
  } else if (kind == "send-huge") {
    call->host->send(call->ctx, Str("flood"), Str("k"), Str(std::string(64 << 20, 'x')));
  } else if (kind == "send-some") {
    const std::string text(10 << 10, 'x');
    for (int i = 0; i < 20; ++i) call->host->send(call->ctx, Str("flood"), Str("k"), Str(text));
  } else {
    return false;
  }
  Done(call, kind == "emit-10000" ? "" : "done");
  return true;
}

void Act(const void*, const reprise_call* call) {
  const std::string kind = Field(call, "kind");
  if (Ruin(kind)) return;
  if (kind == "throw") throw std::runtime_error("out of spite");
  if (kind == "throw-int") throw 7;  // NOLINT(hicpp-exception-baseclass)
  if (kind == "garbage") return Finish(call, 77, "\xFF\xFE");
  if (kind == "silent") return;
  if (kind == "commit") {
    Query(call, "COMMIT", {});
    return Done(call, "done");
  }
  if (kind == "huge") return EmitHuge(call);
  if (Flood(call, kind)) return;
  Done(call, "done");
}

void UndoAct(const void*, const reprise_call* call) {
  if (Field(call, "kind") == "undo-segfault") Ruin("segfault");
  Done(call);
}

void Note(const void*, const reprise_call* call) {
  Query(call, "INSERT INTO hostile_row VALUES ($1) ON CONFLICT DO NOTHING", Field(call, "who"));
  Done(call, "done");
}

void UndoNote(const void*, const reprise_call* call) {
  Query(call, "DELETE FROM hostile_row WHERE who = $1", Field(call, "who"));
  Done(call);
}

void End(const void*, const reprise_call* call) {
  if (Field(call, "kind") == "undo-segfault") return Finish(call, REPRISE_FAIL, "no");
  Done(call);
}

void Nothing(const void*, const reprise_call* call) {
  Done(call);
}

void Ask(void*, const reprise_call* call) {
  Ruin(Field(call, "kind"));
  reprise_answer answer{};
  answer.size = sizeof answer;
  answer.kind = REPRISE_REPLY;
  answer.http = 200;
  answer.body = Str("{\"fine\":true}");
  call->host->answer(call->ctx, &answer);
}

const reprise_event_spec kDone{sizeof(reprise_event_spec), Str("done"), {}, 0, nullptr};
const reprise_event_spec* DoneAt(size_t i) {
  return i == 0 ? &kDone : nullptr;
}
const reprise_problem_spec kNo{sizeof(reprise_problem_spec), Str("no"), {}, 409};
const reprise_problem_spec* NoAt(size_t i) {
  return i == 0 ? &kNo : nullptr;
}

char self;
void* Create(void*, const reprise_value*, size_t, void (*)(void*, reprise_str), void*) {
  return &self;
}
void Destroy(void*) {}

constexpr reprise_action Make(std::string_view name, bool external, bool emits,
                              decltype(reprise_action::run_do) run,
                              decltype(reprise_action::run_undo) undo) {
  reprise_action action{};
  action.size = sizeof action;
  action.name = Str(name);
  action.summary = Str("Misbehaves as it is told");
  action.external = action.idempotent = external ? 1 : 0;
  action.can_undo = 1;
  action.event_at = emits ? &DoneAt : nullptr;
  action.error_at = &NoAt;
  action.create = &Create;
  action.destroy = &Destroy;
  action.run_do = run;
  action.run_undo = undo;
  return action;
}

const reprise_action kActions[] = {
    Make("note", false, true, &Note, &UndoNote), Make("act", false, true, &Act, &UndoAct),
    Make("end", false, false, &End, &Nothing), Make("call", true, true, &Act, &Nothing)};
const reprise_action* ActionAt(size_t i) {
  return i < std::size(kActions) ? &kActions[i] : nullptr;
}

const reprise_question kAsk{
    sizeof(reprise_question), Str("ask"), Str("Answers, or not"), nullptr, nullptr, nullptr, &Ask};
const reprise_question* QuestionAt(size_t i) {
  return i == 0 ? &kAsk : nullptr;
}

const reprise_migration kTable{
    sizeof(reprise_migration), 1, Str("CREATE TABLE hostile_row (who TEXT PRIMARY KEY)"), {}};
const reprise_migration* MigrationAt(size_t i) {
  return i == 0 ? &kTable : nullptr;
}

void* CreatePlugin(const reprise_value*, size_t, void (*)(void*, reprise_str), void*) {
  return &self;
}

const reprise_plugin kPlugin{sizeof(reprise_plugin),
                             Str("hostile"),
                             Str("1.0.0"),
                             Str("Everything a plugin must not do"),
                             nullptr,
                             &MigrationAt,
                             &ActionAt,
                             &QuestionAt,
                             &CreatePlugin,
                             &Destroy,
                             nullptr};

}  // namespace

extern "C" __attribute__((visibility("default")))
const reprise_entry reprise_entry_v1 = {sizeof(reprise_entry), 1, 0, {}, &kPlugin};
