#include "postgres/own_database.h"

#include <utility>

#include "postgres/database.h"

namespace reprise::runtime::postgres {
namespace {

Status Execute(const std::string& server, const std::string& sql) {
  Options options;
  options.url = server;
  Stats stats;
  Database db(options, stats);
  // Sessions of a worker write only in transactions that say so; a database is made outside of any.
  if (Status open = db.Execute("SET default_transaction_read_only = off"); !open) return open;
  return db.Execute(sql);
}

/// A connection URI or string with another database.
std::string WithDatabase(const std::string& url, const std::string& name) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string::npos) return url + " dbname='" + name + "'";  // the last one counts
  const std::size_t host = scheme + 3;
  const std::size_t query = std::min(url.find('?', host), url.size());
  const std::size_t path = std::min(url.find('/', host), query);
  return url.substr(0, path) + "/" + name + url.substr(query);
}

}  // namespace

OwnDatabase::OwnDatabase(std::string server, std::string name)
    : server_(std::move(server)), name_(std::move(name)), url_(WithDatabase(server_, name_)) {}

OwnDatabase::OwnDatabase(OwnDatabase&& other) noexcept
    : server_(std::move(other.server_)),
      name_(std::exchange(other.name_, {})),
      url_(std::move(other.url_)) {}

Result<OwnDatabase> OwnDatabase::Make(const std::string& server, const std::string& name) {
  if (Status made = Execute(server, "CREATE DATABASE \"" + name + "\""); !made) return made.error();
  return OwnDatabase(server, name);
}

/// The runtime's tables stay: making them takes longer than all that most worlds do.
Status OwnDatabase::Clear() const {
  return Execute(url_, R"sql(DO $$ DECLARE t text; BEGIN
FOR t IN SELECT relname FROM pg_class WHERE relkind IN ('r', 'p')
    AND relnamespace = current_schema()::regnamespace LOOP
  IF starts_with(t, 'rp_') THEN
    IF t NOT IN ('rp_lock', 'rp_meta') THEN EXECUTE format('DELETE FROM %I', t); END IF;
  ELSE EXECUTE format('DROP TABLE %I CASCADE', t); END IF;
END LOOP;
IF to_regclass('rp_meta') IS NOT NULL THEN DELETE FROM rp_meta WHERE name <> 'rp.schema'; END IF;
END $$)sql");
}

OwnDatabase::~OwnDatabase() {
  if (!name_.empty()) {
    // One that stays is seen by who looks at the server; there is nobody here to tell.
    (void)Execute(server_, "DROP DATABASE IF EXISTS \"" + name_ + "\" WITH (FORCE)");
  }
}

}  // namespace reprise::runtime::postgres
