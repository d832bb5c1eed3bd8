/// Finds the route of a request among those of all pipelines.
///
/// A literal segment goes before a parameter.  "/a" and "/a/" are different paths.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/pipeline.h"

namespace reprise::runtime {

class Router {  // Threads: any; constant after construction.
 public:
  struct Entry {
    PipelineRef pipeline;
    const Route* route = nullptr;
    struct Part {
      bool parameter = false;
      std::string text;  // the segment, or the parameter's name
    };
    std::vector<Part> parts;
  };
  struct Match {
    const Entry* entry = nullptr;  // null: no such path, or not with this method
    std::vector<std::string>
        allow;  // the methods of the path, sorted, when entry is null; empty: 404
  };

  /// Refuses a path template that is not well formed, a field that the route would take from two
  /// places, a path below one of `reserved` first segments, and two routes for the same requests.
  static Result<Router> Build(const std::vector<PipelineRef>& pipelines,
                              const std::vector<std::string>& reserved);

  /// HEAD finds GET's route if it has none of its own.
  Match Find(std::string_view method, const std::vector<std::string>& segments) const;

 private:
  std::vector<Entry> entries_;  // literal before parameter
};

/// The parameters of a matched path, or the name of one that is not a string(1..128).
Result<json::object> PathFields(const Router::Entry& entry,
                                const std::vector<std::string>& segments);

}  // namespace reprise::runtime
