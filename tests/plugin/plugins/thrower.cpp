// Exceptions that try to leave a plugin, from every function a host calls.
#include <stdexcept>
#include <string_view>

#include <reprise/abi.h>

namespace {

constexpr reprise_str S(std::string_view text) {
  return {text.data(), text.size()};
}

void* Create(const reprise_value*, size_t, void (*)(void*, reprise_str), void*) {
  static int self = 0;
  return &self;
}
void* CreateAction(void* plugin, const reprise_value* with, size_t, void (*)(void*, reprise_str),
                   void*) {
  if (with[0].type != REPRISE_NULL && with[0].as.integer != 0)
    throw std::runtime_error("create broke");
  return plugin;
}
void Destroy(void*) {
  throw 7;
}

void Do(const void*, const reprise_call* call) {
  const reprise_outcome done{sizeof(reprise_outcome), REPRISE_DONE, 0, {}, {}, {}};
  call->host->finish(call->ctx, &done);
  throw std::runtime_error("too late");
}
void Undo(const void*, const reprise_call* call) {
  const auto on_row = [](void*, const reprise_value*, size_t) { throw std::runtime_error("row"); };
  call->host->query(call->ctx, S("SELECT 1"), nullptr, 0, on_row, nullptr, nullptr);
  const reprise_outcome done{sizeof(reprise_outcome), REPRISE_DONE, 0, {}, {}, {}};
  call->host->finish(call->ctx, &done);
}
reprise_status DoAll(const void*, const reprise_call* const*, size_t) {
  throw 42;
}
void Ask(void*, const reprise_call*) {
  throw 42;
}
void Start(void*, const reprise_call*) {
  throw std::logic_error("not today");
}

const reprise_field_spec kWith{
    sizeof(reprise_field_spec), REPRISE_BOOL, 1, 0, S("broken"), {}, {}, {}, {}};
const reprise_field_spec* WithAt(size_t i) {
  return i == 0 ? &kWith : nullptr;
}
const reprise_action kAction{
    sizeof(reprise_action), S("throw"), {}, 0,    0,       1,    nullptr, WithAt, nullptr, nullptr,
    CreateAction,           Destroy,    Do, Undo, nullptr, DoAll};
const reprise_action* ActionAt(size_t i) {
  return i == 0 ? &kAction : nullptr;
}
const reprise_question kQuestion{
    sizeof(reprise_question), S("ask"), {}, nullptr, nullptr, nullptr, Ask};
const reprise_question* QuestionAt(size_t i) {
  return i == 0 ? &kQuestion : nullptr;
}
const reprise_plugin kPlugin{sizeof(reprise_plugin),
                             S("thrower"),
                             S("1"),
                             {},
                             nullptr,
                             nullptr,
                             ActionAt,
                             QuestionAt,
                             Create,
                             Destroy,
                             Start};

}  // namespace

const reprise_entry reprise_entry_v1{sizeof(reprise_entry), 1, 0, {}, &kPlugin};
