// Connecting: a session with our settings, or a clear word for what is wrong.
#include <array>

#include <fmt/format.h>

#include "postgres/database.h"
#include "postgres/sqlstate.h"

namespace reprise::runtime::postgres {
namespace {

constexpr int kVersionMin = 130'000;
constexpr Millis kNotAgainFor{100};

/// libpq's own message about a connection string quotes the string, password and all.
Status CheckUrl(const std::string& url) {
  if (url.empty()) return Error{Code::kInvalid, "PostgreSQL: no url is given"};
  char* why = nullptr;
  PQconninfoOption* read = PQconninfoParse(url.c_str(), &why);
  if (why != nullptr) PQfreemem(why);
  if (read == nullptr) {
    return Error{Code::kInvalid,
                 "PostgreSQL: the url cannot be read; it is postgresql://user@host:port/database, "
                 "with special characters percent-encoded"};
  }
  PQconninfoFree(read);
  return {};
}

/// Wrong for as long as nobody changes it, or only now?
Code CodeOfRefused(std::string_view why) {
  for (const std::string_view lasting :
       {"authentication failed", "does not exist", "no pg_hba.conf entry", "no password supplied",
        "not supported", "invalid", "certificate", "permission denied"}) {
    if (why.find(lasting) != std::string_view::npos) return Code::kInvalid;
  }
  return Code::kUnavailable;
}

}  // namespace

Status Database::Connect() {
  if (connection_ != nullptr) {
    if (PQstatus(connection_) == CONNECTION_OK) return {};
    Close();
  }
  if (std::chrono::steady_clock::now() < not_before_) return away_;
  if (auto open = Open(); !open) return Away(open.error());
  if (auto ready = SetUp(); !ready) return Away(ready.error());
  Troubled(std::nullopt);
  return {};
}

Status Database::Away(Error why) {
  Close();
  Troubled(why.message);
  away_ = std::move(why);
  not_before_ = std::chrono::steady_clock::now() + kNotAgainFor;
  return away_;
}

Status Database::Open() {
  if (auto fine = CheckUrl(options_.url); !fine) return fine;
  const std::string seconds =
      std::to_string(std::max<std::int64_t>(2, options_.connect_wait.count() / 1000));
  // What the url says stands behind these, and wins; the encoding is not its to choose.
  const std::array<const char*, 10> names{"application_name",     "connect_timeout",
                                          "keepalives_idle",      "keepalives_interval",
                                          "keepalives_count",     "tcp_user_timeout",
                                          "target_session_attrs", "dbname",
                                          "client_encoding",      nullptr};
  const std::array<const char*, 10> values{
      "reprise",    seconds.c_str(),      "5",    "2",    "3", "10000",
      "read-write", options_.url.c_str(), "UTF8", nullptr};
  connection_ = PQconnectdbParams(names.data(), values.data(), 1);
  if (connection_ != nullptr && PQstatus(connection_) == CONNECTION_OK) {
    ++stats_.connections;
    server_version_ = PQserverVersion(connection_);
    if (server_version_ >= kVersionMin) return {};
    return Error{Code::kInvalid, fmt::format("PostgreSQL: {} is too old; 13 or later is needed",
                                             PQparameterStatus(connection_, "server_version"))};
  }
  Error error = Broken();
  error.code = CodeOfRefused(error.message);
  return error;
}

/// What lies between transactions may only read: every writing transaction says so at its begin.
/// Plans that scan a whole table are a last resort, since tables grow under plans that are kept.
Status Database::SetUp() {
  auto done = Once(
      "SELECT set_config('search_path', quote_ident(current_schema()), false),"
      " set_config('default_transaction_isolation', 'read committed', false),"
      " set_config('default_transaction_read_only', 'on', false),"
      " set_config('standard_conforming_strings', 'on', false),"
      " set_config('statement_timeout', $1, false), set_config('lock_timeout', $2, false),"
      " set_config('idle_in_transaction_session_timeout', $3, false),"
      " set_config('synchronous_commit', CASE current_setting('synchronous_commit')"
      "   WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false),"
      " set_config('enable_seqscan', 'off', false), set_config('jit', 'off', false)",
      Params::Of(std::to_string(options_.statement_wait.count()),
                 std::to_string(options_.lock_wait.count()),
                 std::to_string(options_.lease.count())));
  if (!done) return done.error();
  if (done->Null(0, 0)) {
    return Error{Code::kInvalid,
                 "PostgreSQL: no schema to work in: search_path names none that exists"};
  }
  return {};
}

}  // namespace reprise::runtime::postgres
