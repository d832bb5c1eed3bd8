// reprise publish PIPELINE EVENT FILE.jsonl, or topic:NAME FILE.jsonl

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <thread>

#include <fmt/core.h>

#include "app/commands.h"
#include "app/fields.h"
#include "app/line_file.h"
#include "app/remote.h"
#include "app/terminal.h"
#include "base/utf8.h"

namespace reprise::runtime {
namespace {

constexpr std::size_t kLinesMax = 500;
constexpr std::size_t kBytesMax = 256 * 1024;
constexpr int kTriesMax = 120;  // of a chunk that a busy runtime does not take
constexpr std::chrono::seconds kBusyWait{1};
constexpr std::int64_t kShownMax = 20;  // refused lines that are printed

struct Totals {
  std::int64_t fresh = 0, existed = 0, refused = 0;
  json::array refusals;
};

class Feed {
 public:
  Feed(const Options& options, Remote& remote) : options_(options), remote_(remote) {}

  // Sends until every line has an answer that is not `busy`.  The answer that stops it otherwise.
  Answer Send(std::vector<FileLine> lines, Totals& totals) {
    std::erase_if(lines, [&](const FileLine& line) {
      const std::string_view why = NoText(line.text);
      if (!why.empty()) Refuse(line, std::string(why), totals);
      return !why.empty();
    });
    return SendText(std::move(lines), totals);
  }

 private:
  // Why no request can carry this line: it would take the others of its chunk with it.
  static std::string_view NoText(std::string_view line) {
    if (!IsUtf8(line)) return "the line is not UTF-8";
    return line.find('\0') == std::string_view::npos ? "" : "the line holds a NUL";
  }

  Answer SendText(std::vector<FileLine> lines, Totals& totals) {
    for (int tries = 0; !lines.empty(); ++tries) {
      if (tries > 0) std::this_thread::sleep_for(kBusyWait);
      const Answer answer = Post(lines);
      if (answer.status == 413) return Halve(std::move(lines), totals);
      if (!answer.ok() && !(answer.status == 503 && tries < kTriesMax)) return answer;
      if (answer.ok()) lines = Count(lines, answer, totals);
      if (tries == kTriesMax)
        return Answer::Problem(503, "busy", "the runtime stays too busy; run this again later");
    }
    return Answer::Of({});
  }

  Answer Post(const std::vector<FileLine>& lines) {
    json::array items;
    for (const FileLine& line : lines) {
      items.push_back(json::object{{"text", line.text}, {"nth", line.nth}});
    }
    std::vector<std::string> path{"publish", options_.pipeline};
    if (!options_.event.empty()) path.push_back(options_.event);
    return remote_.Post(path, {{"lines", std::move(items)}});
  }

  // Too big for one request: in two, or not at all.
  Answer Halve(std::vector<FileLine> lines, Totals& totals) {
    if (lines.size() == 1) {
      Refuse(lines.front(), "the line is too big for a request", totals);
      return Answer::Of({});
    }
    const auto middle = lines.begin() + std::ssize(lines) / 2;
    std::vector<FileLine> rest(std::make_move_iterator(middle),
                               std::make_move_iterator(lines.end()));
    lines.erase(middle, lines.end());
    const Answer first = SendText(std::move(lines), totals);
    return first.ok() ? SendText(std::move(rest), totals) : first;
  }

  // Answers the lines that were busy.
  static std::vector<FileLine> Count(const std::vector<FileLine>& lines, const Answer& answer,
                                     Totals& totals) {
    std::vector<FileLine> again;
    const json::array& results = ItemsIn(answer.body, "lines");
    for (std::size_t i = 0; i < lines.size() && i < results.size(); ++i) {
      const json::object& result = AsObject(results[i]);
      const std::string how = TextIn(result, "result");
      if (how == "busy") {
        again.push_back(lines[i]);
      } else if (how == "refused") {
        Refuse(lines[i], TextIn(result, "detail"), totals);
      } else {
        ++(how == "new" ? totals.fresh : totals.existed);
      }
    }
    return again;
  }

  static void Refuse(const FileLine& line, const std::string& why, Totals& totals) {
    ++totals.refused;
    if (totals.refused > kShownMax) return;
    totals.refusals.push_back(json::object{{"line", line.number}, {"detail", why}});
  }

  const Options& options_;
  Remote& remote_;
};

void PrintRefusals(const Options& o, const Totals& totals) {
  for (const json::value& item : totals.refusals) {
    fmt::print(stderr, "{}:{}: {}\n", o.path, NumberIn(AsObject(item), "line"),
               Plain(TextIn(AsObject(item), "detail")));
  }
  const std::int64_t more = totals.refused - std::ssize(totals.refusals);
  if (more > 0) fmt::print(stderr, "and {} more\n", Grouped(more));
}

void PrintSummary(const Options& o, const Totals& totals, const std::string& flags) {
  if (o.json()) {
    fmt::print("{}\n", json::serialize(json::object{{"new", totals.fresh},
                                                    {"existed", totals.existed},
                                                    {"refused", totals.refused},
                                                    {"refusals", totals.refusals}}));
    return;
  }
  const std::string of = o.event.empty() ? "" : " --pipeline " + o.pipeline;
  fmt::print(stderr, "{} new, {} already there, {} refused   reprise saga list{}{}\n",
             Grouped(totals.fresh), Grouped(totals.existed), Grouped(totals.refused), of, flags);
}

}  // namespace

int RunPublish(const Options& given) {
  Options options = given;
  const bool topic = options.pipeline.starts_with("topic:");
  if (topic && options.path.empty()) options.path = std::exchange(options.event, "");
  if (topic != options.event.empty() || options.path.empty()) {
    fmt::print(stderr, "reprise: write publish PIPELINE EVENT FILE, or publish topic:NAME FILE\n");
    return exit_code::kUsage;
  }
  std::ifstream file;
  std::uint64_t size = 0;
  const bool from_stdin = options.path == "-";
  if (!from_stdin) {
    std::error_code error;
    size = std::filesystem::file_size(options.path, error);
    file.open(options.path, std::ios::binary);
    if (error || !file) {
      fmt::print(stderr, "reprise: cannot read {}: {}\n", options.path,
                 error ? error.message() : "no permission");
      return exit_code::kUsage;
    }
  }
  Answer failed;
  const std::unique_ptr<Remote> remote = OpenRemote(options, failed);
  if (!remote) return ExitOf(failed);

  LineFile lines(from_stdin ? std::cin : file);
  Feed feed(options, *remote);
  Totals totals;
  {
    Progress progress(topic ? options.pipeline : options.pipeline + "/" + options.event,
                      from_stdin ? 0 : (size >> 10) + 1);
    while (true) {
      std::vector<FileLine> chunk = lines.Next(kLinesMax, kBytesMax);
      if (chunk.empty()) break;
      const std::uint64_t first = chunk.front().number;
      if (const Answer answer = feed.Send(std::move(chunk), totals); !answer.ok()) {
        fmt::print(
            stderr,
            "reprise: stopped at line {}; what was sent before is safe, run this again to go on\n",
            first);
        return ExitOf(answer);
      }
      progress.Show(std::min<std::uint64_t>(lines.bytes_read() >> 10, size >> 10),
                    fmt::format("KiB  new {}  already there {}  refused {}", Grouped(totals.fresh),
                                Grouped(totals.existed), Grouped(totals.refused)));
    }
  }
  PrintRefusals(options, totals);
  PrintSummary(options, totals, remote->flags());
  return totals.refused == 0 ? exit_code::kOk : exit_code::kProblems;
}

}  // namespace reprise::runtime
