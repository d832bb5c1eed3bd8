/// What `reprise demo` plays: a folder's demo.yaml.
///
///   demo: NAME
///   environment: { VARIABLE: value }
///   stand_ins: { NAME: { command: [program, argument], url: VARIABLE } }    processes of their own
///   script:                      one after the other; $name stands for a saved field
///   - say: TEXT
///   - request: { POST: /path, body: {..}, bearer: $token, key: KEY, status: 202, save: { name:
///   field } }
///   - until: { GET: /path, bearer: $token, has: { field: value }, within: 5s }
///   - saga: { id: $id, state: undone, within: 10s }
///   - pushes: { at: /path, bearer: $token, has: [event, event], within: 5s }
///   - received: { by: NAME, text: $id, within: 10s }                        the stand-in was
///   called
///   - fault: { STEP.do: fail, where: { field: value } }        - faults: none
///   - clock: 600                                               times as fast; 1: as the machine's
///   try: [ "curl line", .. ]     printed at the end
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "config/node.h"

namespace reprise::runtime {

struct StandInPlan {
  std::string name, url_variable;
  std::vector<std::string> command;
};

struct DemoItem {
  std::string kind;
  int line = 0;
  std::string text;          // say, clock, faults
  std::string method, path;  // request, until, pushes
  std::string body, bearer, key;
  int status = 0;
  std::map<std::string, std::string> fields;  // has, save, fault
  std::map<std::string, std::string> where;   // fault
  std::vector<std::string> list;              // pushes: has
  std::string id, state, by;                  // saga, received
  Millis within{10'000};
};

struct DemoScript {
  std::string name, file;
  std::map<std::string, std::string> environment;
  std::vector<StandInPlan> stand_ins;
  std::vector<DemoItem> script;
  std::vector<std::string> tries;
};

/// Mistakes come as lines with their place.
Result<DemoScript> ReadDemo(const std::string& file);

}  // namespace reprise::runtime
