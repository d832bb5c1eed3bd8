/// Topics of others: a step's payload as a record, sent with the step's own commit.
#include <optional>
#include <string>

#include <reprise/plugin.hpp>

namespace topic {

using namespace reprise;

class Topic : public Plugin<> {
 public:
  static constexpr About kAbout{"topic", "1.0.0", "Records for topics of others."};
};

struct SendWith {
  std::string topic;
  std::optional<FieldName> key;
  std::string undo_topic;
  static void Describe(auto& d) {
    d("topic", &SendWith::topic, "where the payload goes; embedded, a file of JSON Lines")
        .Required();
    d("key", &SendWith::key, "the field that is the record's key; else the step's key");
    d("undo_topic", &SendWith::undo_topic,
      "where Undo sends the payload; empty: what was sent stands");
  }
};

class Send : public Action<Topic, Nothing, SendWith> {
 public:
  static constexpr About kAbout{.name = "send", .summary = "Sends the payload to a topic."};
  static constexpr std::tuple kEvents{Event<>{"sent", "It is on its way, with this commit."}};
  static constexpr Problem kErrors[] = {
      {"bad_key", 422, "The field that is the key is missing or no text."}};

  Outcome Do(Context& ctx, const Nothing&) const override {
    const Result<std::string> key = Key(ctx);
    if (!key) return NoKey(key.error());
    if (const Status sent = ctx.Send(with().topic, *key, ctx.payload()); !sent) return sent;
    return ctx.Emit("sent");
  }

  Outcome Undo(Context& ctx, const Nothing&) const override {
    if (ctx.last() == Last::kNever) return Done();
    if (with().undo_topic.empty()) return Kept("the record was sent");
    const Result<std::string> key = Key(ctx);
    if (!key) return NoKey(key.error());
    return ctx.Send(with().undo_topic, *key, ctx.payload());
  }

 private:
  Result<std::string> Key(Context& ctx) const {
    if (with().key) return ctx.Field(with().key->name);
    return std::string(ctx.key());
  }
  static Outcome NoKey(const Error& why) {
    if (why.transient()) return why;
    return Fail("bad_key", why.message);
  }
};

REPRISE_PLUGIN(Topic, Send);

}  // namespace topic
