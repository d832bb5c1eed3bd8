#include "app/dlq_text.h"

#include <fmt/core.h>

#include "app/fields.h"

namespace reprise::runtime {
namespace {

// The day only if it is not today's.
std::string ClockIn(const json::object& list, const json::object& of, std::string_view name) {
  const std::string at = TextIn(of, name);
  if (at.size() < 19) return at;
  const bool today = at.substr(0, 10) == TextIn(list, "now").substr(0, 10);
  return today ? at.substr(11, 8) : at.substr(0, 10) + " " + at.substr(11, 8);
}

std::string Class(const json::object& of) {
  if (FlagIn(of, "replayable"))
    return FlagIn(of, "side") ? "side step: safe to replay" : "replay, when its cause is gone";
  return "drop: its saga went on without it";
}

std::string Reason(const json::object& of) {
  const std::string code = TextIn(of, "code");
  const std::string detail = TextIn(of, "detail");
  return Plain(detail.empty() ? code : code + ": " + detail);
}

/// "  orders[3] offset 17   ce_id: e-1   ..."
std::string RecordText(const json::object& record) {
  std::string out = "  record of " + Plain(TextIn(record, "topic"));
  if (record.contains("partition")) out += fmt::format("[{}]", NumberIn(record, "partition"));
  if (record.contains("offset")) out += fmt::format(" offset {}", NumberIn(record, "offset"));
  out += "\n";
  for (const json::value& header : ItemsIn(record, "headers")) {
    const json::array& pair = header.as_array();
    out +=
        fmt::format("    {}: {}\n", Plain(pair.at(0).as_string()), Plain(pair.at(1).as_string()));
  }
  return out;
}

}  // namespace

std::string GroupTable(const json::object& list, const Look& look) {
  const json::array& groups = ItemsIn(list, "groups");
  if (groups.empty()) return "";
  Table table({"GROUP", "COUNT", "FIRST", "LAST", "PIPELINE", "STEP", "CLASS", "ERROR"});
  for (const json::value& item : groups) {
    const json::object& group = AsObject(item);
    table.Add({TextIn(group, "group"), Grouped(NumberIn(group, "count")),
               ClockIn(list, group, "first"), ClockIn(list, group, "last"),
               TextIn(group, "pipeline"), TextIn(group, "step"), Class(group), Reason(group)});
  }
  return table.Text(look);
}

std::string LetterTable(const json::object& list, const Look& look) {
  Table table({"ID", "AT", "SAGA", "STEP", "TRIES", "ERROR"});
  for (const json::value& item : ItemsIn(list, "letters")) {
    const json::object& letter = AsObject(item);
    const std::string saga = TextIn(letter, "saga");
    table.Add({std::to_string(NumberIn(letter, "id")), ClockIn(list, letter, "at"),
               saga.empty() ? "–" : saga, TextIn(letter, "phase") + " " + TextIn(letter, "step"),
               std::to_string(NumberIn(letter, "attempts")), Reason(letter)});
  }
  return table.Text(look);
}

std::string LetterText(const json::object& letter, const Look& look) {
  const std::string saga = TextIn(letter, "saga");
  std::string out =
      fmt::format("{}  {}/{}  {} {}  {}  {}\n",
                  Tinted(look, Tint::kBold, fmt::format("dead letter {}", NumberIn(letter, "id"))),
                  TextIn(letter, "pipeline"), TextIn(letter, "step"), TextIn(letter, "phase"),
                  TextIn(letter, "event"), TextIn(letter, "at"), TextIn(letter, "state"));
  out += fmt::format("  saga {}   key {}   attempts {}   group {}\n",
                     saga.empty() ? "– (none)" : saga, Plain(TextIn(letter, "key")),
                     NumberIn(letter, "attempts"), TextIn(letter, "group"));
  out += "  " + Tinted(look, Tint::kBad, Reason(letter)) + "\n";
  if (const json::value* record = letter.if_contains("record"))
    out += RecordText(AsObject(*record));
  const json::value* payload = letter.if_contains("payload");
  if (payload != nullptr) {
    out += "  " +
           (payload->is_string() ? Plain(std::string_view(payload->get_string()))
                                 : json::serialize(*payload)) +
           "\n";
  }
  return out;
}

}  // namespace reprise::runtime
