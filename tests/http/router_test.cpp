#include "http/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/target.h"

namespace reprise::runtime {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

PipelineRef Of(const std::string& name, const std::vector<std::string>& routes) {
  auto pipeline = std::make_shared<Pipeline>();
  pipeline->name = name;
  for (const std::string& text : routes) {
    Route route;
    route.method = text.substr(0, text.find(' '));
    route.path = text.substr(text.find(' ') + 1);
    route.body.kind = route.query.kind = BodyType::kStruct;
    pipeline->routes.push_back(std::move(route));
  }
  return pipeline;
}

/// The route that takes a request, or what else is to be said: "404", or the allowed methods.
std::string Find(const Router& router, const std::string& method, const std::string& path) {
  const Router::Match match = router.Find(method, ParseTarget(path)->segments);
  if (match.entry != nullptr) return match.entry->route->name();
  if (match.allow.empty()) return "404";
  std::string allow = "405";
  for (const std::string& m : match.allow) allow += " " + m;
  return allow;
}

std::string BuildError(const std::vector<PipelineRef>& pipelines) {
  const auto router = Router::Build(pipelines, {"api"});
  return router ? "" : router.error().message;
}

TEST(Router, FindsRoutesOfAllPipelines) {
  const auto router =
      Router::Build({Of("a", {"GET /x", "POST /x/{id}/y"}), Of("b", {"POST /x", "GET /"})}, {});
  ASSERT_TRUE(router);
  EXPECT_EQ(Find(*router, "GET", "/x"), "GET /x");
  EXPECT_EQ(Find(*router, "POST", "/x"), "POST /x");
  EXPECT_EQ(Find(*router, "POST", "/x/7/y"), "POST /x/{id}/y");
  EXPECT_EQ(Find(*router, "GET", "/"), "GET /");
}

TEST(Router, TellsAWrongPathFromAWrongMethod) {
  const auto router = Router::Build({Of("a", {"GET /x", "POST /x", "DELETE /y"})}, {});
  EXPECT_EQ(Find(*router, "GET", "/z"), "404");
  EXPECT_EQ(Find(*router, "GET", "/x/"), "404");
  EXPECT_EQ(Find(*router, "GET", "//x"), "404");
  EXPECT_EQ(Find(*router, "GET", "/X"), "404");
  EXPECT_EQ(Find(*router, "PUT", "/x"), "405 GET HEAD OPTIONS POST");
  EXPECT_EQ(Find(*router, "GET", "/y"), "405 DELETE OPTIONS");
  EXPECT_EQ(Find(*router, "get", "/x"), "405 GET HEAD OPTIONS POST");
}

TEST(Router, GivesHeadToGet) {
  const auto router = Router::Build({Of("a", {"GET /x", "POST /y"})}, {});
  EXPECT_EQ(Find(*router, "HEAD", "/x"), "GET /x");
  EXPECT_EQ(Find(*router, "HEAD", "/y"), "405 OPTIONS POST");
}

TEST(Router, PrefersALiteralToAParameter) {
  const auto router = Router::Build({Of("a", {"GET /x/{id}", "GET /x/me", "POST /x/{id}"})}, {});
  EXPECT_EQ(Find(*router, "GET", "/x/me"), "GET /x/me");
  EXPECT_EQ(Find(*router, "GET", "/x/you"), "GET /x/{id}");
  EXPECT_EQ(Find(*router, "POST", "/x/me"), "POST /x/{id}");
  EXPECT_EQ(Find(*router, "GET", "/x/"), "404") << "a parameter is never empty";
}

TEST(Router, GivesDecodedPathFields) {
  const auto router = Router::Build({Of("a", {"GET /x/{a}/y/{b}"})}, {});
  const auto segments = ParseTarget("/x/1%2F2/y/%E2%82%AC")->segments;
  const auto fields = PathFields(*router->Find("GET", segments).entry, segments);
  ASSERT_TRUE(fields);
  EXPECT_EQ(fields->at("a"), "1/2");
  EXPECT_EQ(fields->at("b"), "\xE2\x82\xAC");
  const auto longer = ParseTarget("/x/1/y/" + std::string(129, 'b'))->segments;
  const auto refused = PathFields(*router->Find("GET", longer).entry, longer);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "b");
}

TEST(Router, RefusesTwoRoutesForTheSameRequestsAndNamesBoth) {
  const std::string error = BuildError({Of("a", {"GET /x/{id}"}), Of("b", {"GET /x/{name}"})});
  EXPECT_THAT(error, HasSubstr("'GET /x/{name}'"));
  EXPECT_THAT(error, HasSubstr("pipeline 'b'"));
  EXPECT_THAT(error, HasSubstr("'GET /x/{id}' as pipeline 'a'"));
  EXPECT_EQ(BuildError({Of("a", {"GET /x/{id}"}),
                        Of("b", {"POST /x/{name}", "GET /x/y", "GET /x/{id}/y"})}),
            "");
}

TEST(Router, RefusesBadTemplates) {
  for (const char* path :
       {"x", "/x?y=1", "/x/{", "/x/a{b}", "/x/{}", "/x/{1a}", "/x/{a}/{a}", "/x/%zz"}) {
    EXPECT_NE(BuildError({Of("a", {std::string("GET ") + path})}), "") << path;
  }
  EXPECT_THAT(BuildError({Of("a", {"GET /api/x"})}), HasSubstr("the runtime's own"));
}

TEST(Router, RefusesAFieldThatComesFromTwoPlaces) {
  auto pipeline = std::make_shared<Pipeline>(*Of("a", {"POST /x/{id}"}));
  pipeline->routes[0].body.fields.push_back({"id", BodyType{}});
  EXPECT_THAT(BuildError({pipeline}), HasSubstr("'id' comes from two of path, query and body"));
}

}  // namespace
}  // namespace reprise::runtime
