#include "plugin/instance.h"

#include <fmt/format.h>

#include "base/log.h"
#include "base/utf8.h"
#include "plugin/attempt.h"

namespace reprise::runtime {
namespace {

void Hear(void* user, reprise_str why) {
  static_cast<std::string*>(user)->assign(View(why));
}

}  // namespace

Result<void*> RunCreate(const std::string& name,
                        const std::function<void*(void (*)(void*, reprise_str), void*)>& make) {
  std::string why;
  try {
    if (void* const self = make(&Hear, &why)) return self;
    if (why.empty()) why = "it refuses them and does not say why (the plugin's fault)";
  } catch (const std::exception& e) {
    why = std::string("it threw (the plugin's fault): ") + e.what();
  } catch (...) {
    why = "it threw (the plugin's fault)";
  }
  return Error{Code::kInvalid, fmt::format("plugin {}: settings: {}", name, CleanUtf8(why, 1000))};
}

Result<std::shared_ptr<PluginInstance>> PluginInstance::Create(const FoundPlugin& found,
                                                               const json::object& settings,
                                                               Metrics& metrics) {
  std::shared_ptr<PluginInstance> instance(new PluginInstance(found, metrics));
  Arena arena;
  const std::vector<reprise_value> values =
      SettingsToAbi(instance->info_.settings, settings, arena);
  const Result<void*> self = RunCreate(instance->info_.name, [&](auto why, void* user) {
    return instance->table_.create(values.data(), values.size(), why, user);
  });
  if (!self) return self.error();
  instance->self_ = *self;
  return instance;
}

PluginInstance::PluginInstance(const FoundPlugin& found, Metrics& metrics)
    : info_(found.info), table_(*found.library.plugin), metrics_(metrics) {
  for (std::size_t i = 0; i < info_.questions.size();
       ++i) {  // in the order in which the catalog read them
    const QuestionInfo& question = info_.questions[i];
    auto callee = std::make_unique<Callee>(info_.name, question.name, metrics);
    callee->question = &question;
    questions_.emplace(question.name, Question{table_.question_at(i), std::move(callee)});
  }
}

PluginInstance::~PluginInstance() {
  if (self_ == nullptr) return;
  try {
    table_.destroy(self_);
  } catch (...) {
    Log(LogLevel::kError, "a plugin threw while it was destroyed (plugin's fault)",
        {{"plugin", info_.name}});
  }
}

const reprise_action* PluginInstance::FindAction(const std::string& name) const {
  for (std::size_t i = 0; i < info_.actions.size(); ++i) {
    if (info_.actions[i].name == name) return table_.action_at(i);
  }
  return nullptr;
}

void PluginInstance::Ask(const std::string& question, Asked& asked) const {
  asked.kind = Asked::kNone;
  asked.fields_out.clear();
  asked.body.clear();
  asked.code = "internal";
  const auto it = questions_.find(question);
  if (it == questions_.end()) {
    asked.detail = fmt::format("plugin {} has no question '{}'", info_.name, question);
    return;
  }
  asked.code.clear();
  asked.detail.clear();
  const LiveContext ctx(*it->second.callee, asked);
  std::string what;
  if (!RunGuarded(*ctx, what, [&] { it->second.table->ask(self_, &ctx->abi); })) {
    asked.kind = Asked::kNone;
    asked.code = "exception";
    asked.detail = fmt::format("plugin {} {} (plugin's fault)", ctx->callee->name(), what);
  } else if (!ctx->ended) {
    Blame(*ctx, "no_answer", "gave no answer");
    asked.code = "no_answer";
    asked.detail = fmt::format("plugin {} gave no answer (plugin's fault)", ctx->callee->name());
  }
}

Status PluginInstance::Start(Transaction& transaction, Time now) const {
  const Callee callee(info_.name, "start", metrics_);
  Call call;
  call.now = now;
  call.sql = &transaction.sql();
  const LiveContext ctx(kCallStart, callee, call);
  std::string what;
  const bool returned = RunGuarded(*ctx, what, [&] { table_.start(self_, &ctx->abi); });
  Settle(*ctx, returned, what);
  if (call.outcome.verdict == Verdict::kDone) return {};
  const bool transient = call.outcome.verdict != Verdict::kFail;
  return Error{transient ? Code::kUnavailable : Code::kInvalid,
               fmt::format("plugin {} does not start: {} {}", info_.name, call.outcome.code,
                           call.outcome.detail)};
}

}  // namespace reprise::runtime
