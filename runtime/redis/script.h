/// A Lua script on the server, sent whole only when the server does not know it.
#pragma once

#include <string>

#include "redis/connection.h"

namespace reprise::runtime::redis {

class Script {  // Threads: any; constant.
 public:
  explicit Script(std::string text);

  /// `key` is its KEYS[1].  The answer may be an error of the script's.
  Result<Reply> Run(Connection& connection, const std::string& key,
                    std::vector<std::string> args) const;

 private:
  std::string text_, sha1_;
};

}  // namespace reprise::runtime::redis
