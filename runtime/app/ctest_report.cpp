#include "app/ctest_report.h"

#include <utility>

namespace reprise::runtime {
namespace {

std::string Attribute(std::string_view tag, std::string_view name) {
  const std::string wanted = " " + std::string(name) + "=\"";
  const std::size_t at = tag.find(wanted);
  if (at == std::string_view::npos) return "";
  std::string_view value = tag.substr(at + wanted.size());
  std::string text(value.substr(0, value.find('"')));
  for (const auto& [entity, c] : {std::pair{"&lt;", "<"}, std::pair{"&gt;", ">"},
                                  std::pair{"&quot;", "\""}, std::pair{"&amp;", "&"}}) {
    for (std::size_t i = 0; (i = text.find(entity, i)) != std::string::npos; ++i)
      text.replace(i, std::string_view(entity).size(), c);
  }
  return text;
}

}  // namespace

std::vector<CtestCase> ReadCtestReport(std::string_view xml) {
  constexpr std::string_view kTag = "<testcase ";
  std::vector<CtestCase> cases;
  for (std::size_t at = 0; (at = xml.find(kTag, at)) != std::string_view::npos; at += kTag.size()) {
    const std::string_view tag = xml.substr(at, xml.find('>', at) - at);
    cases.push_back({Attribute(tag, "name"), Attribute(tag, "status") == "run"});
  }
  return cases;
}

}  // namespace reprise::runtime
