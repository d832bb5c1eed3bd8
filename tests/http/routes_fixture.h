/// Routes of one pipeline behind a real server, with a fake Ingress behind them.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "base/clock.h"
#include "fake_ingress.h"
#include "http/routes.h"
#include "server_fixture.h"

namespace reprise::runtime {

class RoutesFixture {
 public:
  explicit RoutesFixture(std::vector<Route> declared, HttpOptions http = OnAnyPort())
      : server(std::move(http)) {
    auto made = std::make_shared<Pipeline>();
    made->name = "parcels";
    made->routes = std::move(declared);
    for (Route& route : made->routes) route.query.kind = route.body.kind = BodyType::kStruct;
    pipeline = made;
  }
  /// Stops before what the handlers use goes.
  ~RoutesFixture() {
    server.Stop(Millis(0));
    ingress.Stop();
  }

  void Start() {
    options.loop = server.loop();
    options.clock = &clock;
    auto made = Routes::Make({pipeline}, ingress, options);
    ASSERT_TRUE(made) << made.error().message;
    routes = std::move(*made);
    const Status started =
        server.Start([this](HttpRequest request, std::shared_ptr<Responder> responder) {
          routes->Handle(std::move(request), std::move(responder));
        });
    ASSERT_TRUE(started) << started.error().message;
  }
  std::uint16_t port() const { return server.port(); }

  ManualClock clock;
  RoutesOptions options;
  PipelineRef pipeline;
  HttpServer server;
  FakeIngress ingress;
  std::unique_ptr<Routes> routes;
};

inline Route ARoute(const std::string& method, const std::string& path,
                    RouteKind kind = RouteKind::kAsk) {
  Route route;
  route.method = method;
  route.path = path;
  route.kind = kind;
  return route;
}

}  // namespace reprise::runtime
