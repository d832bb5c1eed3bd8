#include <reprise/plugin.hpp>

namespace guests {
using namespace reprise;

class Guests : public Plugin<> {
 public:
  static constexpr About kAbout{"guests", "1.0.0", "Who is on the list."};
  static constexpr Migration kMigrations[] = {
      {1, "CREATE TABLE guests_row (name TEXT PRIMARY KEY, saga TEXT)"}};
};
struct Guest {
  std::string name;
  static void Describe(auto& d) { d("name", &Guest::name, "of the guest"); }
};
class Invite : public Action<Guests, Guest> {
 public:
  static constexpr About kAbout{.name = "invite", .summary = "Puts a guest on the list."};
  static constexpr std::tuple kEvents{Event<>{"invited", "The guest is on the list."}};
  static constexpr Problem kErrors[] = {{"already_invited", 409, "The guest was on it before."}};

  Outcome Do(Context& ctx, const Guest& in) const override {
    auto rows = ctx.Query("INSERT INTO guests_row VALUES ($1, $2) ON CONFLICT DO NOTHING", in.name,
                          ctx.saga_id());
    if (!rows) return rows.error();
    return rows->affected() == 1 ? Outcome(ctx.Emit("invited")) : Fail("already_invited", in.name);
  }
  Outcome Undo(Context& ctx, const Guest& in) const override {
    return ctx.Query("DELETE FROM guests_row WHERE name = $1 AND saga = $2", in.name,
                     ctx.saga_id());
  }
};
REPRISE_PLUGIN(Guests, Invite);
}  // namespace guests
