/// What the codes of problems mean: the page behind a problem's `type`, GET /problems/<code>.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/catalog.h"
#include "ports/http.h"

namespace reprise::runtime {

/// One who answers a code, and what is meant by it.
struct ProblemMeaning {
  int status = 500;
  std::string about;   // what has happened, a sentence
  std::string remedy;  // what the caller can do, a sentence
  std::string by;      // "shop.exists": a plugin's part; empty: the runtime
};

/// By code; two plugins may declare the same one.
using ProblemBook = std::map<std::string, std::vector<ProblemMeaning>, std::less<>>;

/// The runtime's own codes, and those that these plugins declare.
ProblemBook MakeProblemBook(const PluginCatalog& catalog);

/// JSON: type, code, title, status, about, remedy, by; further meanings of the code in `also`.
HttpResponse RenderMeaning(std::string_view code, const std::vector<ProblemMeaning>& meanings);

}  // namespace reprise::runtime
