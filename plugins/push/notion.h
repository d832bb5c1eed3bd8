/// push.notion: an alert to the people in charge, as a page in Notion.
///
/// At least once: Notion knows no idempotency, and an alert seen twice is better than one that
/// nobody saw.  The call carries `Idempotency-Key`, for gateways that honour it, and the page shows
/// the key, so that a person recognises a second one.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include <reprise/http.hpp>
#include <reprise/json.hpp>

#include "settings.h"

namespace push {

constexpr std::size_t kRichTextBytesMax = 2000;  // Notion: 2,000 characters
constexpr std::size_t kRichTextsMax = 20;        // Notion: 100 in an array

/// What an alert is about: `$saga` of the `$` events.
struct Alert {
  std::string pipeline, saga, step, phase, state, code, detail, at;
  std::int64_t attempts = 0;

  bool stuck() const { return state == "stuck" || phase == "undo"; }
  std::string Title() const {
    std::string title = pipeline + "/" + step + (stuck() ? " is stuck" : " failed");
    if (!code.empty()) title += ": " + code;
    return title;
  }
};

inline Alert AlertOf(const boost::json::object& saga) {
  Alert alert{TextIn(saga, "pipeline"), TextIn(saga, "id"),    TextIn(saga, "step"),
              TextIn(saga, "phase"),    TextIn(saga, "state"), TextIn(saga, "code"),
              TextIn(saga, "detail"),   TextIn(saga, "at")};
  const boost::json::value* attempts = saga.if_contains("attempts");
  if (attempts != nullptr && attempts->is_int64()) alert.attempts = attempts->get_int64();
  return alert;
}

/// Pieces of at most 2,000 bytes (never more characters than bytes), cut between characters.
inline boost::json::array RichText(std::string_view text) {
  boost::json::array pieces;
  while (!text.empty() && pieces.size() < kRichTextsMax) {
    std::size_t cut = std::min(text.size(), kRichTextBytesMax);
    while (cut < text.size() && cut > 1 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80)
      --cut;
    pieces.push_back({{"type", "text"}, {"text", {{"content", text.substr(0, cut)}}}});
    text.remove_prefix(cut);
  }
  return pieces;
}

inline boost::json::value Block(std::string_view type, boost::json::object content) {
  boost::json::object block{{"object", "block"}, {"type", type}};
  block[type] = std::move(content);
  return block;
}

/// Since 2025-09-03 pages belong to a data source of a database.
inline bool HasDataSources(std::string_view version) {
  return version >= "2025-09-03";
}

inline Json PageOf(const Settings& settings, const Alert& alert, std::string_view payload,
                   std::string_view key) {
  const std::string_view parent =
      HasDataSources(settings.notion_version) ? "data_source_id" : "database_id";
  boost::json::object page;
  page["parent"] = {{"type", parent}, {parent, settings.notion_database}};
  boost::json::array title = RichText(alert.Title());
  title.resize(std::min<std::size_t>(title.size(), 1));
  page["properties"] = {{"Name", {{"title", std::move(title)}}},
                        {"Severity", {{"select", {{"name", alert.stuck() ? "P1" : "P2"}}}}}};
  std::string facts = "saga " + alert.saga + "\nstep " + alert.step + " (" + alert.phase +
                      "), state " + alert.state + ", attempts " + std::to_string(alert.attempts) +
                      "\nat " + alert.at + "\nkey " + std::string(key);
  if (!alert.detail.empty()) facts += "\n" + alert.detail;
  facts += "\nnext: reprise saga show " + alert.saga;
  page["children"] = {Block("paragraph", {{"rich_text", RichText(facts)}}),
                      Block("code", {{"language", "json"}, {"rich_text", RichText(payload)}})};
  return ToJson(page);
}

class Notion : public Action<Push, Nothing> {
 public:
  static constexpr About kAbout{.name = "notion",
                                .summary = "Alerts with a page in Notion; Undo archives it."};
  static constexpr Effects kEffects = Effects::kExternal;
  static constexpr bool kIdempotent = true;

  Outcome Do(Context& ctx, const Nothing&) const override {
    const auto saga = ctx.Field<Json>("$saga");
    if (!saga && saga.error().transient()) return saga.error();
    const auto object = ParseJsonObject(saga ? saga->text : "{}");
    const Alert alert = object ? AlertOf(*object) : Alert{};
    ctx.Log(Level::kError, "alert: {}: {} saga={} attempts={}", alert.Title(), alert.detail,
            alert.saga, alert.attempts);
    const auto& settings = plugin().settings();
    if (settings.notion_url.empty()) return ToTopic(ctx, alert);
    const HttpReply reply =
        Api(ctx).Post("/v1/pages", PageOf(settings, alert, ctx.payload(), ctx.idempotency_key()));
    if (!reply.ok()) return reply.verdict;
    const auto page = ParseJsonObject(reply.body);
    return Done(page ? TextIn(*page, "id") : std::string());
  }

  /// Unknown: the page may be there and cannot be asked for; an alert too many does no harm.
  Outcome Undo(Context& ctx, const Nothing&) const override {
    if (ctx.memo().empty()) {
      return ctx.last() == Last::kUnknown ? Kept("a page may stand; Notion cannot be asked")
                                          : Done();
    }
    if (plugin().settings().notion_url.empty()) return Kept("notion_url is no longer set");
    if (!PlainId(ctx.memo())) return Kept("the page's id is malformed");
    const std::string_view name =
        HasDataSources(plugin().settings().notion_version) ? "in_trash" : "archived";
    boost::json::object body;
    body[name] = true;
    return Api(ctx).Patch("/v1/pages/" + std::string(ctx.memo()), ToJson(body)).verdict;
  }

 private:
  Http Api(Context& ctx) const {
    const auto& settings = plugin().settings();
    Http http(ctx, settings.notion_url);
    http.Bearer(settings.notion_token).Header("Notion-Version", settings.notion_version);
    return http;
  }

  Outcome ToTopic(Context& ctx, const Alert& alert) const {
    const auto& settings = plugin().settings();
    if (settings.alerts_topic.empty()) return Done();
    const boost::json::object head{{"id", ctx.idempotency_key()},
                                   {"at", Rfc3339(ctx.Now())},
                                   {"alert", alert.Title()},
                                   {"severity", alert.stuck() ? "P1" : "P2"}};
    std::string line = ToJson(head).text;
    line.pop_back();
    line += ",\"payload\":" + std::string(ctx.payload()) + "}";
    return ctx.Send(settings.alerts_topic, alert.saga, line);
  }

  static bool PlainId(std::string_view id) {
    return std::all_of(id.begin(), id.end(), [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
    });
  }
};

}  // namespace push
