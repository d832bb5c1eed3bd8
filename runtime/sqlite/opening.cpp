#include "sqlite/opening.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sqlite/row_source.h"
#include "sqlite/schema.h"

namespace reprise::runtime::sqlite {
namespace {

namespace fs = std::filesystem;

bool InMemory(const Options& options) {
  return options.file == ":memory:";
}

/// What can be said before SQLite is asked.
Status LookAt(const Options& options) {
  const std::string& file = options.file;
  if (file.empty()) return Error{Code::kInvalid, "no database file is named"};
  std::error_code ignored;
  const fs::path parent =
      fs::path(file).has_parent_path() ? fs::path(file).parent_path() : fs::path(".");
  if (!fs::exists(parent, ignored)) {
    return Error{Code::kNotFound,
                 fmt::format("{}: the directory {} does not exist", file, parent.string())};
  }
  if (fs::is_directory(file, ignored))
    return Error{Code::kInvalid, fmt::format("{}: is a directory", file)};
  struct stat found {};
  if (::stat(file.c_str(), &found) != 0) {
    const int why = errno;
    if (why != ENOENT)
      return Error{Code::kInvalid,
                   fmt::format("{}: {}", file, std::generic_category().message(why))};
    if (options.read_only)
      return Error{Code::kNotFound, fmt::format("{}: there is no such file", file)};
    if (::access(parent.c_str(), W_OK) != 0) {
      return Error{Code::kInvalid,
                   fmt::format("{}: no permission to create it in {}", file, parent.string())};
    }
    return {};
  }
  if (::access(file.c_str(), options.read_only ? R_OK : R_OK | W_OK) != 0) {
    return Error{Code::kInvalid, fmt::format("{}: no permission to {} it", file,
                                             options.read_only ? "read" : "write")};
  }
  if (!options.read_only && ::access(parent.c_str(), W_OK) != 0) {
    return Error{Code::kInvalid,
                 fmt::format("{}: no permission to write in {}, where its log file lives", file,
                             parent.string())};
  }
  return {};
}

/// SQLite's failure in the words of someone who has a file and wants to start.
Error Explain(const std::string& file, sqlite3* db, int rc) {
  const Error raw = ErrorOf(db, rc, file);
  switch (rc & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {Code::kUnavailable,
              fmt::format("{}: is in use by another process; stop it, or ask it over HTTP", file)};
    case SQLITE_NOTADB:
      return {
          Code::kInvalid,
          fmt::format("{}: is not a Reprise database (not an SQLite file, or its head is damaged)",
                      file)};
    case SQLITE_CORRUPT:
      return {Code::kInvalid,
              fmt::format("{}: is damaged ({}); restore a backup", file, raw.message)};
    case SQLITE_FULL:
      return {Code::kUnavailable, fmt::format("{}: the disk is full", file)};
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return {Code::kInvalid, fmt::format("{}: no permission to write it ({})", file, raw.message)};
    case SQLITE_CANTOPEN:
      return {Code::kInvalid, fmt::format("{}: cannot be opened ({})", file, raw.message)};
    default:
      return {Code::kInternal, raw.message};
  }
}

/// SQLite counts its memory under a mutex by default, at every allocation.  It can only be told
/// before its first use in the process; later it refuses, and only costs more.
void CountNoMemory() {
  [[maybe_unused]] static const int kOnce = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

class Opening {
 public:
  Opening(const Options& options, std::string_view image) : options_(options), image_(image) {}

  Result<Opened> Go() {
    if (!InMemory(options_)) {
      if (auto fine = LookAt(options_); !fine) return fine.error();
    }
    if (auto open = Connect(options_.file,
                            SQLITE_OPEN_READWRITE | (options_.read_only ? 0 : SQLITE_OPEN_CREATE));
        !open)
      return open.error();
    if (auto filled = Fill(); !filled) return filled.error();
    if (sqlite3_db_readonly(opened_.db->handle(), "main") == 1) {
      if (auto frozen = OpenFrozen(); !frozen) return frozen.error();
    } else if (auto locked = Lock(); !locked) {
      return locked.error();
    }
    if (auto known = CheckVersion(); !known) return known.error();
    if (auto ready = options_.read_only ? Ask("PRAGMA query_only = ON") : MakeReady(); !ready)
      return ready.error();
    // Plugins may use these, but a table function declares itself at its first use, which they may
    // not.
    if (auto declared = Ask("SELECT 1 FROM json_each('[]'); SELECT 1 FROM json_tree('[]')");
        !declared) {
      return declared.error();
    }
    return std::move(opened_);
  }

 private:
  Error Failure(int rc) {
    return Explain(options_.file, opened_.db ? opened_.db->handle() : nullptr, rc);
  }

  Status Ask(const std::string& sql) {
    const int rc = sqlite3_exec(opened_.db->handle(), sql.c_str(), nullptr, nullptr, nullptr);
    if (rc != SQLITE_OK) return Failure(rc);
    return {};
  }

  Result<std::int64_t> Number(const std::string& sql) {
    Cursor cursor = opened_.db->Once(sql);
    const int rc = cursor.Raw();
    if (rc == SQLITE_ROW) return cursor.Int(0);
    if (rc == SQLITE_DONE) return std::int64_t{0};
    return Failure(rc);
  }

  Status Connect(const std::string& name, int flags) {
    sqlite3* handle = nullptr;
    const int rc = sqlite3_open_v2(
        name.c_str(), &handle,
        flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_URI, nullptr);
    if (rc != SQLITE_OK) {
      const Error why = Explain(options_.file, handle, rc);
      sqlite3_close_v2(handle);
      return why;
    }
    sqlite3_busy_timeout(handle, static_cast<int>(options_.lock_wait.count()));
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);
    opened_.db = std::make_unique<Database>(handle);
    return InstallRowSource(*opened_.db);
  }

  /// The memory engine goes on with what another one left.
  Status Fill() {
    if (image_.empty()) return {};
    if (!InMemory(options_))
      return Error{Code::kInvalid,
                   options_.file + ": only a database in memory begins as an image"};
    auto* const bytes = static_cast<unsigned char*>(sqlite3_malloc64(image_.size()));
    if (bytes == nullptr) return Error{Code::kInternal, "journal: no memory for an image"};
    std::memcpy(bytes, image_.data(), image_.size());
    const auto size = static_cast<sqlite3_int64>(image_.size());
    const int rc =
        sqlite3_deserialize(opened_.db->handle(), "main", bytes, size, size,
                            SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE);
    return rc == SQLITE_OK ? Status() : Status(Failure(rc));
  }

  /// From here on the file is ours: an exclusive lock, held until the connection closes.
  Status Lock() {
    if (auto set = Ask("PRAGMA locking_mode = EXCLUSIVE; PRAGMA cell_size_check = ON"); !set)
      return set;
    // A file that is not ours must not be changed, not even to WAL: look before.
    if (auto ours = CheckOwner(); !ours) return ours;
    // In memory a log would be a second store, which no image holds.
    const char* const mode = InMemory(options_) ? "MEMORY" : "WAL";
    const std::string wal =
        fmt::format("PRAGMA journal_mode = {}; BEGIN IMMEDIATE; ROLLBACK", mode);
    if (auto set = Ask(wal); !set) return set;
    return CheckKept();
  }

  /// SQLite answers another mode, and no error, where it cannot keep a log: a file: URI may say so.
  Status CheckKept() {
    if (InMemory(options_)) return {};
    Cursor mode = opened_.db->Once("PRAGMA journal_mode");
    const int rc = mode.Raw();
    if (rc != SQLITE_ROW) return Failure(rc);
    if (mode.Text(0) == "wal") return {};
    return Error{Code::kInvalid,
                 fmt::format("{}: cannot keep a write-ahead log (its journal mode is {}); name a "
                             "file on a disk",
                             options_.file, mode.Text(0))};
  }

  /// No permission to write: what lies there is read as it is, if no runtime holds it.
  Status OpenFrozen() {
    std::error_code ignored;
    const std::uintmax_t wal = fs::file_size(options_.file + "-wal", ignored);
    auto held = Number("SELECT count(*) FROM sqlite_schema");
    if (!held && held.error().code == Code::kUnavailable) return held.error();
    if (!ignored && wal > 0) {
      return Error{
          Code::kInvalid,
          fmt::format("{}: was not stopped cleanly; reading it needs permission to write it",
                      options_.file)};
    }
    opened_.db.reset();
    std::string uri = "file:";
    for (const char c : fs::absolute(options_.file).string()) {
      c == '%' || c == '?' || c == '#' ? uri += fmt::format("%{:02X}", static_cast<unsigned>(c))
                                       : uri += c;
    }
    if (auto open = Connect(uri + "?immutable=1", SQLITE_OPEN_READONLY); !open) return open;
    return CheckOwner();
  }

  Status CheckOwner() {
    const auto id = Number("PRAGMA application_id");
    if (!id) return id.error();
    const auto tables = Number("SELECT count(*) FROM sqlite_schema");
    if (!tables) return tables.error();
    const bool fresh = *id == 0 && *tables == 0;
    if (*id != kApplicationId && (!fresh || options_.read_only)) {
      return Error{Code::kInvalid,
                   fmt::format("{}: is not a Reprise database; name another file", options_.file)};
    }
    return {};
  }

  Status CheckVersion() {
    const auto version = Number("PRAGMA user_version");
    if (!version) return version.error();
    version_ = static_cast<int>(*version);
    if (version_ > kSchemaVersion) {
      return Error{Code::kInvalid,
                   fmt::format("{}: was written by a newer Reprise (schema {}; this one knows {})",
                               options_.file, version_, kSchemaVersion)};
    }
    if (options_.read_only && version_ < kSchemaVersion) {
      return Error{
          Code::kInvalid,
          fmt::format("{}: is of an older Reprise (schema {}); start the runtime once to bring "
                      "it to schema {}",
                      options_.file, version_, kSchemaVersion)};
    }
    return {};
  }

  Status MakeReady() {
    if (auto set = Ask(fmt::format(
            "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;"
            "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -{}; PRAGMA wal_autocheckpoint = {};"
            "PRAGMA journal_size_limit = {}; PRAGMA busy_timeout = 5000",
            options_.cache_kib, options_.checkpoint_pages,
            std::int64_t{options_.checkpoint_pages} * 4096 * 2));
        !set) {
      return set;
    }
    if (options_.pages_max > 0) {
      if (auto set = Ask(fmt::format("PRAGMA max_page_count = {}", options_.pages_max)); !set)
        return set;
    }
    if (version_ > 0) {
      if (auto sound = CheckAfterCrash(); !sound) return sound;
    }
    if (auto upgraded = UpgradeSchema(*opened_.db, version_); !upgraded)
      return Failure(sqlite3_errcode(opened_.db->handle()));
    return Ask("INSERT INTO rp_meta VALUES('rp.clean', '0') ON CONFLICT DO UPDATE SET value = '0'");
  }

  Status CheckAfterCrash() {
    Cursor clean = opened_.db->Once("SELECT value FROM rp_meta WHERE name = 'rp.clean'");
    const int rc = clean.Raw();
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) return Failure(rc);
    if (rc == SQLITE_ROW && clean.Text(0) == "1") return {};
    opened_.unclean = true;
    Cursor check = opened_.db->Once("PRAGMA quick_check(3)");
    const int found = check.Raw();
    if (found != SQLITE_ROW) return Failure(found);
    if (check.Text(0) == "ok") return {};
    return Error{Code::kInvalid,
                 fmt::format("{}: is damaged after an unclean stop ({}); restore a backup",
                             options_.file, check.Text(0))};
  }

  const Options& options_;
  const std::string_view image_;
  Opened opened_;
  int version_ = 0;
};

}  // namespace

Result<Opened> OpenFile(const Options& options, std::string_view image) {
  CountNoMemory();
  return Opening(options, image).Go();
}

Status MarkClean(Database& db) {
  return db.Execute("UPDATE rp_meta SET value = '1' WHERE name = 'rp.clean'");
}

}  // namespace reprise::runtime::sqlite
