#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "model/saga.h"

namespace reprise::runtime {
namespace {

Uuid AnyId() {
  Uuid id;
  for (auto& byte : id.bytes) byte = *rc::gen::arbitrary<std::uint8_t>();
  return id;
}

std::string AnyText() {
  return *rc::gen::container<std::string>(rc::gen::inRange<char>(' ', '~'));
}

Message AnyMessage() {
  Message m;
  m.id = AnyId();
  m.saga = AnyId();
  m.pipeline = AnyText();
  m.plan = AnyText();
  m.step = *rc::gen::arbitrary<StepIndex>();
  m.phase = static_cast<Phase>(*rc::gen::inRange(0, 3));
  m.bit = static_cast<std::uint8_t>(*rc::gen::inRange(0, 64));
  m.undo_last = *rc::gen::arbitrary<bool>();
  m.retry = *rc::gen::arbitrary<bool>();
  m.event = AnyText();
  m.key = *rc::gen::arbitrary<std::string>();  // any bytes
  m.trace = AnyText();
  m.round = *rc::gen::arbitrary<std::uint32_t>();
  m.at = FromMillis(*rc::gen::arbitrary<std::int64_t>());
  json::object payload;
  for (int n = *rc::gen::inRange(0, 6); n > 0; --n) {
    const std::string name = AnyText();
    if (*rc::gen::arbitrary<bool>()) {
      payload[name] = *rc::gen::arbitrary<std::int64_t>();
    } else {
      payload[name] = json::array{AnyText(), *rc::gen::arbitrary<bool>(), nullptr, 0.1};
    }
    if (*rc::gen::arbitrary<bool>()) m.added[name] = payload[name];
  }
  for (const auto& member : m.added) payload[member.key()] = member.value();
  m.payload = Payload(std::move(payload));
  return m;
}

TEST(MessageBytes, BringBackEveryField) {
  rc::check([] {
    const Message m = AnyMessage();
    const auto back = DecodeMessage(EncodeMessage(m));
    RC_ASSERT(back.ok());
    RC_ASSERT(back->id == m.id && back->saga == m.saga);
    RC_ASSERT(back->pipeline == m.pipeline && back->plan == m.plan);
    RC_ASSERT(back->step == m.step && back->phase == m.phase && back->bit == m.bit);
    RC_ASSERT(back->undo_last == m.undo_last && back->retry == m.retry);
    RC_ASSERT(back->event == m.event && back->key == m.key && back->trace == m.trace);
    RC_ASSERT(back->round == m.round && back->at == m.at);
    RC_ASSERT(back->payload.object() == m.payload.object());
    RC_ASSERT(back->added == m.added);
    RC_ASSERT(EncodeMessage(*back) == EncodeMessage(m));
  });
}

TEST(MessageBytes, AreRefusedWhenCutShortOrLonger) {
  Message m;
  m.pipeline = "reservation";
  m.event = "reserve.held";
  m.payload = Payload(json::object{{"a", 1}, {"b", "x"}});
  m.added = json::object{{"a", 1}};
  const std::string bytes = EncodeMessage(m);
  ASSERT_TRUE(DecodeMessage(bytes).ok());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto cut = DecodeMessage(std::string_view(bytes).substr(0, size));
    ASSERT_FALSE(cut.ok()) << size;
    EXPECT_EQ(cut.error().code, Code::kInvalid);
  }
  EXPECT_FALSE(DecodeMessage(bytes + '\0').ok());
}

TEST(MessageBytes, OfAnotherVersionAreRefused) {
  std::string bytes = EncodeMessage(Message{});
  bytes[0] = 2;
  EXPECT_EQ(DecodeMessage(bytes).error().message, "message: not of a version known here");
}

TEST(MessageBytes, NeverCrashTheReader) {
  rc::check([](const std::string& garbage) { (void)DecodeMessage("\x01" + garbage).ok(); });
  rc::check([] {  // one byte of a good message is wrong
    std::string bytes = EncodeMessage(AnyMessage());
    bytes[*rc::gen::inRange<std::size_t>(0, bytes.size())] = *rc::gen::arbitrary<char>();
    (void)DecodeMessage(bytes).ok();
  });
}

TEST(MessageBytes, RefuseLengthsThatOverflow) {
  std::string bytes = EncodeMessage(Message{});
  for (std::size_t i = 33; i < bytes.size(); ++i) {
    std::string wrong = bytes.substr(0, i) + std::string(12, '\xFF');
    EXPECT_FALSE(DecodeMessage(wrong).ok()) << i;
  }
}

TEST(Names, AreThoseOfTheDesign) {
  EXPECT_EQ(Name(SagaState::kUndoing), "undoing");
  EXPECT_EQ(Name(StepState::kTombstone), "tombstone");
  EXPECT_EQ(Name(StepState::kSkipped), "skipped");
  EXPECT_EQ(Name(Phase::kClose), "close");
  for (const auto s : {SagaState::kRunning, SagaState::kUndoing, SagaState::kDone,
                       SagaState::kUndone, SagaState::kStuck}) {
    EXPECT_EQ(ParseSagaState(Name(s)), s);
  }
  EXPECT_EQ(ParseSagaState("paid"), std::nullopt);
}

}  // namespace
}  // namespace reprise::runtime
