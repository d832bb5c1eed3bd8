#include "admin/letters.h"

#include <algorithm>
#include <charconv>
#include <map>

#include <fmt/core.h>

#include "admin/query.h"
#include "base/base64.h"
#include "base/utf8.h"

namespace reprise::runtime {
namespace {

constexpr std::size_t kHeaderMax = 1000;
constexpr std::size_t kGroupedMax = 10'000;  // letters read for one answer's groups

struct Group {
  DeadLetter sample;
  std::int64_t count = 0;
  Time first{}, last{};
};

json::object LetterJson(const DeadLetter& letter) {
  json::object out{{"id", letter.id},
                   {"group", LetterGroup(letter)},
                   {"pipeline", letter.pipeline},
                   {"step", letter.step},
                   {"event", letter.event},
                   {"phase", letter.phase},
                   {"code", letter.code},
                   {"detail", letter.detail},
                   {"attempts", letter.attempts},
                   {"key", CleanUtf8(letter.key, letter.key.size())},
                   {"side", letter.side},
                   {"at", Rfc3339(letter.at)},
                   {"state", letter.state},
                   {"replayable", Replayable(letter)},
                   {"message", letter.message.ToString()}};
  out["saga"] = letter.saga.nil() ? "" : letter.saga.ToString();
  return out;
}

/// The record that a letter was: where it came from, and its headers.
json::object OriginJson(const Record& record) {
  json::array headers;
  for (const auto& [name, value] : record.headers)
    headers.push_back(json::array{CleanUtf8(name, kHeaderMax), CleanUtf8(value, kHeaderMax)});
  json::object out{{"topic", record.topic}, {"headers", std::move(headers)}};
  if (record.partition >= 0) out["partition"] = record.partition;
  if (record.offset >= 0) out["offset"] = record.offset;
  if (record.at != Time{}) out["at"] = Rfc3339(record.at);
  return out;
}

json::object GroupJson(const std::string& name, const Group& group) {
  return json::object{{"group", name},
                      {"count", group.count},
                      {"first", Rfc3339(group.first)},
                      {"last", Rfc3339(group.last)},
                      {"pipeline", group.sample.pipeline},
                      {"step", group.sample.step},
                      {"code", group.sample.code},
                      {"detail", group.sample.detail},
                      {"side", group.sample.side},
                      {"replayable", Replayable(group.sample)}};
}

// Reads at most kGroupedMax letters of the filter, a page at a time.
Result<std::vector<DeadLetter>> ReadAll(Journal& journal, DeadLetterFilter filter) {
  std::vector<DeadLetter> all;
  filter.limit = kPageMax;
  while (all.size() < kGroupedMax) {
    auto page = journal.ListDeadLetters(filter);
    if (!page) return page;
    const bool last = page->size() < filter.limit;
    for (DeadLetter& letter : *page) all.push_back(std::move(letter));
    if (last) break;
    filter.after_id = all.back().id;
  }
  return all;
}

json::array GroupsJson(const std::vector<DeadLetter>& letters) {
  std::map<std::string, Group> groups;
  for (const DeadLetter& letter : letters) {
    Group& group = groups[LetterGroup(letter)];
    if (group.count == 0 || letter.at < group.first) group.first = letter.at;
    if (group.count == 0 || letter.at >= group.last) {
      group.last = letter.at;
      group.sample = letter;
    }
    ++group.count;
  }
  std::vector<const std::pair<const std::string, Group>*> sorted;
  sorted.reserve(groups.size());
  for (const auto& entry : groups) sorted.push_back(&entry);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto* a, const auto* b) { return a->second.last > b->second.last; });
  json::array out;
  for (const auto* entry : sorted) out.push_back(GroupJson(entry->first, entry->second));
  return out;
}

}  // namespace

std::string LetterGroup(const DeadLetter& letter) {
  const std::string key = letter.pipeline + '\0' + letter.step + '\0' + letter.code;
  return "g" + Sha256(key).substr(0, 6);
}

bool Replayable(const DeadLetter& letter) {
  return letter.state == "new" && letter.code != "second_event" && letter.code != "expired";
}

std::optional<std::int64_t> ParseLetterId(std::string_view id) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
  if (error != std::errc() || end != id.data() + id.size() || number <= 0) return std::nullopt;
  return number;
}

Answer ListLettersJson(Journal& journal, const View& view, const Query& query) {
  QueryReader reader(query, {"pipeline", "step", "code", "state", "group", "after", "limit"});
  DeadLetterFilter filter;
  filter.pipeline = reader.Text("pipeline");
  filter.step = reader.Text("step");
  filter.code = reader.Text("code");
  if (const std::string state = reader.Text("state"); !state.empty()) filter.state = state;
  if (filter.state != "new" && filter.state != "replayed" && filter.state != "dropped") {
    reader.Refuse(fmt::format("unknown state '{}': new, replayed or dropped", filter.state));
  }
  const std::size_t limit = reader.Number("limit", 100, kPageMax);
  std::optional<std::int64_t> after;
  if (const std::string text = reader.Text("after"); !text.empty()) {
    after = ParseLetterId(text);
    if (!after) reader.Refuse("'after' must be a dead letter's number");
  }
  if (reader.problem()) return *reader.problem();

  auto letters = ReadAll(journal, filter);
  if (!letters) return Answer::Failed(letters.error());
  if (const std::string group = reader.Text("group"); !group.empty()) {
    std::erase_if(*letters, [&](const DeadLetter& letter) { return LetterGroup(letter) != group; });
    if (letters->empty())
      return Answer::Problem(404, "not_found", "no dead letters of group " + group);
  }
  json::object body{{"now", Rfc3339(view.now)}, {"groups", GroupsJson(*letters)}};
  json::array page;
  for (const DeadLetter& letter : *letters) {
    if (after && letter.id <= *after) continue;
    if (page.size() == limit) {
      body["next"] = page.back().at("id");
      break;
    }
    page.push_back(LetterJson(letter));
  }
  body["letters"] = std::move(page);
  return Answer::Of(std::move(body));
}

Answer ShowLetterJson(Journal& journal, const View& view, std::string_view id) {
  const auto number = ParseLetterId(id);
  if (!number) {
    return Answer::Problem(404, "not_found", fmt::format("'{}' is not a dead letter's number", id));
  }
  const auto letter = journal.FindDeadLetter(*number);
  if (!letter) return Answer::Failed(letter.error());
  if (!*letter) return Answer::Problem(404, "not_found", fmt::format("no dead letter {}", id));
  json::object body = LetterJson(**letter);
  body["now"] = Rfc3339(view.now);
  if ((*letter)->record) body["record"] = OriginJson(*(*letter)->record);
  const auto payload = Payload::Parse((*letter)->payload);  // else the bytes of a foreign record
  const std::string& bytes = (*letter)->payload;
  body["payload"] = payload ? Masked(payload->object(), SecretFields(view.catalog))
                            : json::value(CleanUtf8(bytes, 3 * bytes.size()));
  if (!IsUtf8(bytes)) body["payloadBase64"] = EncodeBase64(bytes);
  return Answer::Of(std::move(body));
}

}  // namespace reprise::runtime
