/// libpq, loaded when a test asks for PostgreSQL: the kit is used without it too, so nothing of it
/// is needed to compile or to link.
#pragma once

#include <memory>
#include <string>

namespace reprise::testkit {

class PgSession;  // PGconn
class PgResult;   // PGresult
using Oid = unsigned int;

/// What of it is used; the numbers are its ABI, which only grows.
struct Libpq {
  PgSession* (*connect)(const char* const* names, const char* const* values, int expand);
  void (*finish)(PgSession*);
  int (*status)(const PgSession*);
  const char* (*session_error)(const PgSession*);
  int (*backend)(const PgSession*);
  void* (*parse)(const char* where, char** why);  // null: it is no connection string
  void (*free_parsed)(void*);
  void (*free_text)(void*);

  PgResult* (*execute)(PgSession*, const char* sql);
  PgResult* (*execute_with)(PgSession*, const char* sql, int count, const Oid* types,
                            const char* const* values, const int* lengths, const int* formats,
                            int result_format);
  int (*state)(const PgSession*);  // of its transaction
  int (*result_status)(const PgResult*);
  const char* (*error_field)(const PgResult*, int field);
  void (*clear)(PgResult*);
  const char* (*tag)(PgResult*);
  const char* (*changed)(PgResult*);

  int (*rows)(const PgResult*);
  int (*columns)(const PgResult*);
  Oid (*type)(const PgResult*, int column);
  int (*null)(const PgResult*, int row, int column);
  int (*length)(const PgResult*, int row, int column);
  const char* (*value)(const PgResult*, int row, int column);

  static constexpr int kConnected = 0, kCommandDone = 1, kRowsDone = 2, kInTransaction = 2;
  static constexpr int kSqlState = 'C', kMessage = 'M', kPosition = 'P';

  /// Loaded once and kept.  Throws std::runtime_error with what to install.
  static const Libpq& Get();
};

struct ClearResult {
  void operator()(PgResult* result) const { Libpq::Get().clear(result); }
};
using PgAnswer = std::unique_ptr<PgResult, ClearResult>;

}  // namespace reprise::testkit
