/// Access: what a statement may touch, asked by SQLite whenever it compiles one.
///
/// The runtime's own tables begin with `rp_`; plugins and operators' questions never see them.
#pragma once

#include <string>
#include <string_view>

#include <sqlite3.h>

namespace reprise::runtime::sqlite {

class Access {
 public:
  enum Mode {
    kOwn,        // the runtime: everything
    kPlugin,     // rows of plugins' tables
    kMigration,  // tables of `owner`, and their rows
  };

  void Install(sqlite3* db);

  /// Why the last statement was refused; empty if it was not.
  const std::string& refused() const { return refused_; }

  class Scope {
   public:
    Scope(Access& access, Mode mode, std::string_view owner = {});
    ~Scope() { access_.mode_ = before_; }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Access& access_;
    const Mode before_;
  };

  /// Whether `table` belongs to the plugin: `shop`, or `shop_...`.
  static bool Owns(std::string_view plugin, std::string_view table);
  static bool OfRuntime(std::string_view table);  // rp_...

 private:
  static int Ask(void* self, int action, const char* a, const char* b, const char* database,
                 const char* inside);
  int Decide(int action, std::string_view a, std::string_view b, std::string_view database);
  int DecideTable(std::string_view table);
  int DecidePlugin(int action, std::string_view a, std::string_view b);
  int DecideMigration(int action, std::string_view a, std::string_view b);
  int Deny(std::string why);

  Mode mode_ = kOwn;
  std::string owner_;
  std::string refused_;
};

}  // namespace reprise::runtime::sqlite
