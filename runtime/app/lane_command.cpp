// reprise lane list|resume

#include <fmt/format.h>

#include "app/commands.h"
#include "app/fields.h"
#include "app/remote.h"
#include "app/terminal.h"

namespace reprise::runtime {
namespace {

std::string LaneTable(const std::vector<json::object>& lanes, const Look& look) {
  Table table({"LANE", "NEXT", "EPOCH", "WORKER", "STANDS STILL"});
  for (const json::object& lane : lanes) {
    table.Add({TextIn(lane, "lane"),
               lane.contains("next") ? Grouped(NumberIn(lane, "next")) : std::string("-"),
               Grouped(NumberIn(lane, "epoch")),
               lane.contains("worker") ? TextIn(lane, "worker") : std::string("nobody"),
               Plain(TextIn(lane, "stopped"))});
  }
  return table.Text(look);
}

int List(const Options& o, Remote& remote) {
  const Answer answer = remote.Get({"lanes"}, {});
  if (!answer.ok()) return ExitOf(answer);
  if (o.json()) {
    fmt::print("{}\n", json::serialize(answer.body));
    return exit_code::kOk;
  }
  const json::array& all = ItemsIn(answer.body, "lanes");
  std::vector<json::object> shown;
  std::string stopped;  // the first
  std::size_t count = 0;
  for (const json::value& item : all) {
    const json::object& lane = AsObject(item);
    const bool stands = lane.contains("stopped");
    if (stands && count++ == 0) stopped = TextIn(lane, "lane");
    if (stands || o.all) shown.push_back(lane);
  }
  if (!shown.empty()) fmt::print("{}", LaneTable(shown, StdoutLook()));
  std::fflush(stdout);
  fmt::print(stderr, "{} lanes, {} of them stand still\n", all.size(), count);
  if (count > 0)
    fmt::print(stderr, "next: reprise lane resume {} --why ..{}\n", stopped, remote.flags());
  return exit_code::kOk;
}

int Resume(const Options& o, Remote& remote) {
  const std::string where = o.from ? fmt::format("offset {}", *o.from)
                                   : std::string("the first record that its topic still has");
  const std::string question = fmt::format("{} goes on from {}; messages that are gone stay lost.",
                                           fmt::join(o.ids, ", "), where);
  if (!Agreed(question, o.yes)) {
    fmt::print(stderr, "nothing was done\n");
    return exit_code::kProblems;
  }
  json::object body{{"who", o.who}, {"why", o.why}};
  if (o.from) body["from"] = *o.from;
  json::array resumed;
  int exit = exit_code::kOk;
  for (const std::string& id : o.ids) {
    const Answer answer = remote.Post({"lanes", id, "resume"}, body);
    if (!answer.ok()) {
      exit = ExitOf(answer);
      if (answer.status == 0 || answer.status == 401 || answer.status == 403) return exit;
      continue;
    }
    for (const json::value& lane : ItemsIn(answer.body, "resumed")) resumed.push_back(lane);
  }
  if (o.json()) {
    fmt::print("{}\n", json::serialize(json::object{{"resumed", std::move(resumed)}}));
    return exit;
  }
  for (const json::value& item : resumed) {
    const json::object& lane = AsObject(item);
    fmt::print("{} goes on from offset {}\n", TextIn(lane, "lane"), NumberIn(lane, "from"));
  }
  return exit;
}

}  // namespace

int RunLane(const Options& options) {
  Answer failed;
  const std::unique_ptr<Remote> remote = OpenRemote(options, failed);
  if (!remote) return ExitOf(failed);
  return options.action == "list" ? List(options, *remote) : Resume(options, *remote);
}

}  // namespace reprise::runtime
