/// Tests of pipelines (`test: NAME`): what to start, which faults, what is expected.  Run by app/.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "config/finding.h"
#include "model/payload.h"
#include "model/pipeline.h"

namespace reprise::runtime {

/// A step of this pipeline (`deadline`) or of another (`billing/take`).
struct StepName {
  std::string pipeline, step;
};

struct TestFault {
  enum Kind { kFail, kRetry, kCrash, kUnknown };
  StepName step;
  bool undo = false;
  Kind kind = kFail;
  int times = 0;  // retry:N, crash:N
};

struct TestStart {
  std::string event;
  json::object root;
};

struct TestRequest {
  std::string method, path;  // "POST", "/users/u1/points"
  json::object body;
  std::string bearer, idempotency_key;
  std::optional<int> status;  // expected
  json::object reply;         // fields that the reply must have
  std::map<std::string, std::string>
      save;  // name -> field of the reply; `$name` stands for it later on
};

struct TestVerb {
  std::string what;  // retry, undo, skip, resolve
  StepName step;     // undo: only the pipeline
  std::string event;
  std::string refused;  // the code of the expected refusal
};

struct TestSignal {
  std::string name;
  json::object fields;
};

struct TestExpect {
  std::optional<std::string> saga;
  std::vector<std::pair<StepName, std::string>> steps;
  std::vector<std::string> events;  // an ordered subsequence
  std::vector<std::pair<std::string, json::array>> rows;
  std::vector<std::pair<std::string, std::vector<std::string>>> pushes;
  bool empty() const {
    return !saga && steps.empty() && events.empty() && rows.empty() && pushes.empty();
  }
};

struct TestAction {
  enum Kind { kAdvance, kSignal, kRequest, kVerb, kExpect } kind = kAdvance;
  int line = 0;
  Millis advance{0};
  TestSignal signal;
  TestRequest request;
  TestVerb verb;
  TestExpect expect;
};

struct TestCase {
  std::string name;
  int line = 0;
  std::optional<TestStart> start;
  std::vector<TestRequest> requests;  // sent in order instead of, or after, `start`
  std::vector<TestFault> faults;
  bool crash_every_commit = false;
  std::vector<TestAction> then;
  TestExpect expect;
};

struct TestFile {
  std::string name;  // the pipeline
  std::string file;
  std::vector<TestCase> cases;
};

/// Reads a test file's tree; names are checked against `pipelines`.
TestFile ReadTests(const Node& root, const std::vector<PipelineRef>& pipelines, Sink& sink);

/// { POST /things: {body}, bearer: $token, idempotency_key: K, status: 202, reply: {..},
///   save: {token: token} }
TestRequest ReadTestRequest(const Node& node, const std::vector<PipelineRef>& pipelines,
                            Sink& sink);

}  // namespace reprise::runtime
