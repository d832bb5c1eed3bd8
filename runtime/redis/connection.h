/// One connection to a Redis that may be away.
///
/// Whatever goes wrong on it ends it: an answer that came late would be taken for the next one's.
/// It then stays away for a while that grows with each failure (Options::again), during which
/// commands fail at once, and comes back with the first command after that.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "redis/options.h"
#include "redis/url.h"

struct redisContext;

namespace reprise::runtime::redis {

/// An answer, copied.
struct Reply {
  enum Type : std::uint8_t { kNil, kInteger, kText, kList, kError } type = kNil;
  std::int64_t integer = 0;
  std::string text;  // also an error's
  std::vector<Reply> list;
};

using Command = std::vector<std::string>;

struct CloseContext {
  void operator()(redisContext* context) const;
};
using Context = std::unique_ptr<redisContext, CloseContext>;

/// Connects, authenticates and chooses the db.  kInvalid: TLS where this build has none;
/// kUnavailable: everything else.
Result<Context> Connect(const Address& address, const Options& options);

class Connection {  // Threads: one.
 public:
  /// kInvalid: the url is none, or asks for TLS that this build does not have.
  static Result<Connection> To(const Options& options);

  /// Sends them at once and reads an answer for each; an answer of type kError is one, save those
  /// that say the server cannot serve now (LOADING, READONLY, MISCONF, MASTERDOWN, NOAUTH..), which
  /// end the connection.
  /// kUnavailable: it is away, or went away just now, and whether the commands ran is unknown.
  Result<std::vector<Reply>> RunAll(std::span<const Command> commands);
  Result<Reply> Run(const Command& command);

  /// It did not do what is needed of it: away until its time.
  void GiveUp(const std::string& why);
  /// Why it is away, or nothing.
  const std::optional<std::string>& trouble() const { return trouble_; }
  const Options& options() const { return options_; }

 private:
  Connection(Options options, Address address)
      : options_(std::move(options)), address_(std::move(address)) {}
  Status Open();
  Result<std::vector<Reply>> Exchange(std::span<const Command> commands);

  Options options_;
  Address address_;
  Context context_;
  std::optional<std::string> trouble_;
  std::uint32_t failures_ = 0;  // since it last answered
  std::chrono::steady_clock::time_point not_before_{};
};

}  // namespace reprise::runtime::redis
