#include "redis/counters.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "redis/script.h"

namespace reprise::runtime::redis {
namespace {

constexpr std::int64_t kBlock = 1'000;  // deltas that one commit of the journal pays for
constexpr int kTries = 16;              // to put a block there while others do

/// KEYS[1]  hash {value, mark, who}
/// ARGV     delta, floor, seen or '', and to put a block there: base, mark, the state it was asked
///          for ('' each: none)
/// Answers  {1, value}: given; {0, state, next}: a block is needed, to reach `next` if that is not
///          empty; {2}: past the last number.
/// Numbers are compared as text: Lua has only doubles, exact to 2^53.
const Script& CountScript() {
  static const Script script(R"lua(
if redis.replicate_commands then redis.replicate_commands() end
local function less(a, b)
  local minus_a, minus_b = a:sub(1, 1) == '-', b:sub(1, 1) == '-'
  if minus_a ~= minus_b then return minus_a end
  if minus_a then a, b = b:sub(2), a:sub(2) end
  if #a ~= #b then return #a < #b end
  return a < b
end
local key, delta, floor, seen = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local who = redis.call('INFO', 'server'):match('run_id:(%w+)') .. '.' ..
            redis.call('INFO', 'replication'):match('master_replid:(%w+)')
local found = redis.call('HMGET', key, 'value', 'mark', 'who')
local value, mark, of = found[1], found[2], found[3]
local state = (of or '') .. '/' .. (mark or '')
if ARGV[4] ~= '' and ARGV[6] == state then
  value, mark, of = ARGV[4], ARGV[5], who
  redis.call('HSET', key, 'value', value, 'mark', mark, 'who', who)
end
if not value or not mark or of ~= who or (seen ~= '' and less(value, seen)) then
  return {0, state, ''}
end
if type(redis.pcall('HINCRBY', key, 'value', delta)) == 'table' then return {2} end
local next = redis.call('HGET', key, 'value')
if less(next, floor) then next = floor end
if less(mark, next) then
  redis.call('HSET', key, 'value', value)
  return {0, (of or '') .. '/' .. mark, next}
end
redis.call('HSET', key, 'value', next)
return {1, next}
)lua");
  return script;
}

std::optional<std::int64_t> Number(const Reply& reply) {
  std::int64_t value = 0;
  const char* const last = reply.text.data() + reply.text.size();
  const auto [end, error] = std::from_chars(reply.text.data(), last, value);
  if (reply.type != Reply::kText || error != std::errc() || end != last) return std::nullopt;
  return value;
}

/// a - b, at most what there is.
std::int64_t Below(std::int64_t a, std::int64_t b) {
  std::int64_t out = 0;
  if (!__builtin_sub_overflow(a, b, &out)) return out;
  return b > 0 ? std::numeric_limits<std::int64_t>::min()
               : std::numeric_limits<std::int64_t>::max();
}

}  // namespace

Result<std::int64_t> Counters::Count(std::string_view counter, std::int64_t delta,
                                     std::int64_t floor) {
  if (delta < 0) return Error{Code::kInvalid, "a counter does not count down"};
  Known& known = known_.try_emplace(std::string(counter)).first->second;
  const std::string key = connection_.options().prefix + ":count:" + std::string(counter);
  std::optional<Block> block;
  std::string state;
  for (int i = 0; i < kTries; ++i) {
    const auto step = Ask(key, known, delta, floor, block, state);
    if (!step) break;
    if (step->exhausted) return Error{Code::kExhausted, "the counter is at its end"};
    if (step->value) {
      known = {std::max(known.any ? known.seen : *step->value, *step->value), true, std::nullopt};
      return *step->value;
    }
    auto reserved = NewBlock(counter, step->at_least, delta);
    if (!reserved) return reserved.error();
    block = *reserved;
    state = step->state;
  }
  return CountAlone(counter, known, delta, floor);
}

std::optional<Counters::Step> Counters::Ask(const std::string& key, const Known& known,
                                            std::int64_t delta, std::int64_t floor,
                                            const std::optional<Block>& block,
                                            const std::string& state) {
  const auto reply = CountScript().Run(
      connection_, key,
      {std::to_string(delta), std::to_string(floor), known.any ? std::to_string(known.seen) : "",
       block ? std::to_string(block->base) : "", block ? std::to_string(block->mark) : "", state});
  if (!reply) return std::nullopt;
  const auto& list = reply->list;
  if (reply->type != Reply::kList || list.empty()) {
    connection_.GiveUp(reply->type == Reply::kError ? reply->text : "not the answer of a counter");
    return std::nullopt;
  }
  Step step;
  if (list[0].integer == 2) {
    step.exhausted = true;
  } else if (list[0].integer == 1 && list.size() == 2) {
    step.value = Number(list[1]);
  } else if (list.size() == 3) {
    step.state = list[1].text;
    step.at_least = Below(Number(list[2]).value_or(floor), delta);
  }
  return step;
}

Result<std::int64_t> Counters::CountAlone(std::string_view counter, Known& known,
                                          std::int64_t delta, std::int64_t floor) {
  for (;;) {
    std::int64_t next = floor;
    if (known.alone) {
      if (__builtin_add_overflow(known.alone->base, delta, &next)) {
        return Error{Code::kExhausted, "the counter is at its end"};
      }
      next = std::max(next, floor);
      if (next <= known.alone->mark) {
        known.alone->base = next;
        known.seen = known.any ? std::max(known.seen, next) : next;
        known.any = true;
        return next;
      }
    }
    auto block = NewBlock(counter, Below(next, delta), delta);
    if (!block) return block.error();
    known.alone = *block;
  }
}

Result<Counters::Block> Counters::NewBlock(std::string_view counter, std::int64_t at_least,
                                           std::int64_t delta) {
  std::int64_t size = 0, end = 0;
  if (__builtin_mul_overflow(delta, kBlock, &size) ||
      __builtin_add_overflow(at_least, size, &end)) {
    size = delta;
  }
  const auto mark = reserve_(counter, at_least, size);
  if (!mark) return mark.error();
  return Block{Below(*mark, size), *mark};
}

}  // namespace reprise::runtime::redis
