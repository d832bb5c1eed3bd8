#include "catalogs.h"

namespace reprise::runtime::test {
namespace {

constexpr FieldType kInt = FieldType::kInteger;

FieldInfo Secret(FieldInfo field) {
  field.secret = true;
  return field;
}

ActionInfo External(ActionInfo action, bool can_undo = true) {
  action.external = true;
  action.can_undo = can_undo;
  return action;
}

PluginCatalog Catalog(std::vector<PluginInfo> plugins) {
  PluginCatalog out;
  for (PluginInfo& plugin : plugins) {
    const std::string name = plugin.name;
    out.emplace(name, std::move(plugin));
  }
  return out;
}

FieldInfo Seconds(std::string name, std::string fallback) {
  return With(std::move(name), FieldType::kDuration, std::move(fallback));
}

}  // namespace

PluginCatalog ConcertCatalog() {
  const std::vector<FieldInfo> version = {Need("version", kInt)};
  const std::vector<FieldInfo> change = {Need("seatId"), Need("reservationId"),
                                         Need("version", kInt)};
  const std::vector<FieldInfo> of_seat = {Need("seatId"), Need("reservationId")};
  const std::vector<FieldInfo> told = {Need("event"), May("undo_event"),
                                       May("newer", FieldType::kObject)};
  FieldInfo per_second = With("per_second", kInt, "100");
  per_second.min = "1";
  return Catalog({
      Made("queue", {},
           {Asks("enter", {Need("userId")},
                 {Secret(Need("token")), Need("position", kInt), Need("activeAt")}),
            Asks("status", {May("token")}, {Need("status"), Need("position", kInt)}),
            Asks("admit", {}, {Need("userId")}), Asks("who", {May("ticket")}, {Need("userId")}),
            Asks("ticket", {Need("userId")}, {Secret(Need("ticket"))})},
           {Secret(With("secret", FieldType::kText, "")), per_second,
            Seconds("valid_for", "600000")}),
      Made("seat",
           {Does("hold", change, {Emits("held"), Emits("skipped")}),
            Does("sell", change, {Emits("sold")}),
            Does("free", change, {Emits("freed"), Emits("skipped")})},
           {Asks("list", {}, {}), Asks("exists", {Need("seatId")}, {Need("price", kInt)})},
           {With("rows", kInt, "5"), With("per_row", kInt, "10"), With("price", kInt, "50000")}),
      Made("reservation",
           {Does("hold",
                 {Need("reservationId"), Need("seatId"), Need("userId"), Need("price", kInt)},
                 {Emits("held", {Need("version", kInt), Need("expiresAt")}),
                  Emits("rejected", {Need("reason")})},
                 {Seconds("for", "300000")}),
            Does("claim", of_seat, {Emits("claimed", version)}),
            Does("confirm", of_seat, {Emits("confirmed", version)}),
            Does("expire", of_seat, {Emits("expired", version)})},
           {Asks("available", {Need("seatId")}, {}),
            Asks("payable", {Need("reservationId"), Need("userId")},
                 {Need("seatId"), Need("amount", kInt)}),
            Asks("status", {Need("id"), Need("userId")}, {Need("reservationId"), Need("status")})}),
      Made("payment",
           {Does("take",
                 {Need("paymentId"), Need("reservationId"), Need("userId"), Need("amount", kInt)},
                 {Emits("captured")}),
            Does("add", {Need("id"), Need("amount", kInt)})},
           {Asks("balance", {Need("id")}, {Need("userId"), Need("points", kInt)}),
            Asks("status", {Need("id"), Need("userId")}, {Need("paymentId"), Need("status")})},
           {With("start_points", kInt, "0")}),
      Made("scheduler", {Does("wake", {}, {Timer("due")}, {Need("at", FieldType::kFieldName)})}),
      Made("push", {Does("user", {Need("userId")}, {}, told), External(Does("notion", {}))},
           {Asks("mine", {Need("userId"), May("after")},
                 {Need("channel"), Need("events", FieldType::kArray)})},
           {With("notion_url", FieldType::kText, ""),
            Secret(With("notion_token", FieldType::kText, "")),
            With("notion_database", FieldType::kText, "")}),
      Made("receipt",
           {External(Does("issue", {Need("paymentId"), Need("amount", kInt), Need("userId")}))}, {},
           {With("url", FieldType::kText, ""), Secret(With("key", FieldType::kText, ""))}),
      Made("data-platform", {Does("record", {})}),
  });
}

PluginCatalog DemoCatalog() {
  FieldInfo limit = With("limit", kInt, "10");
  limit.min = "1";
  limit.max = "100";
  return Catalog(
      {Made("demo",
            {Does("begin", {Need("id")}, {Emits("began", {Need("number", kInt)}), Emits("refused")},
                  {limit}),
             Does("work", {Need("id")}, {Emits("worked")}),
             External(Does("call", {}, {Emits("called")})), External(Does("mail", {}), false),
             Does("tick", {}, {Timer("ticked")}, {Need("after", FieldType::kDuration)}),
             Does("plain", {}), Does("need", {Need("number", kInt)}),
             Does("at", {}, {}, {Need("field", FieldType::kFieldName)}),
             Does("rename", {}, {Emits("named", {Need("id")})})},
            {Asks("who", {}, {Need("userId")}), Asks("show", {Need("id")}, {Need("status")}),
             Asks("secret", {}, {Secret(Need("token")), Need("position", kInt)})},
            {With("url", FieldType::kText, "http://localhost"),
             Secret(With("key", FieldType::kText, ""))})});
}

}  // namespace reprise::runtime::test
