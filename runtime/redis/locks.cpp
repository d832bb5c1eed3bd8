#include "redis/locks.h"

#include <algorithm>

#include "redis/script.h"

namespace reprise::runtime::redis {
namespace {

/// Another may have it by now.
const Script& ReleaseScript() {
  static const Script script(
      "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end\n"
      "return 0\n");
  return script;
}

}  // namespace

bool Locks::Try(const std::string& name, Millis hold_for) {
  const auto reply = connection_.Run({"SET", Key(name), owner_, "NX", "PX",
                                      std::to_string(std::max<std::int64_t>(hold_for.count(), 1))});
  return !reply || reply->type != Reply::kNil;
}

void Locks::Release(const std::string& name) {
  (void)ReleaseScript().Run(connection_, Key(name), {owner_});  // else it runs out
}

std::string Locks::Key(const std::string& name) const {
  return connection_.options().prefix + ":lock:" + name;
}

}  // namespace reprise::runtime::redis
