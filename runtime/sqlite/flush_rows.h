/// Changed rows as tables: what Flush hands to SQLite.  Internal to this folder.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/row_json.h"
#include "sqlite/row_source.h"
#include "sqlite/slots.h"

namespace reprise::runtime::sqlite {

class SagaRows : public RowSource {
 public:
  std::vector<SagaSlot*> rows;
  size_t size() const override { return rows.size(); }
  void Column(sqlite3_context* out, size_t row, int column) override;

 private:
  JsonText root_;
  std::string more_;
};

class StepRows : public RowSource {
 public:
  std::vector<const StepRow*> rows;
  size_t size() const override { return rows.size(); }
  void Column(sqlite3_context* out, size_t row, int column) override;

 private:
  JsonText added_;
  std::string more_;
};

class DueRows : public RowSource {
 public:
  struct Row {
    const Due* due;
    std::int64_t plan;
  };
  std::vector<Row> rows;
  size_t size() const override { return rows.size(); }
  void Column(sqlite3_context* out, size_t row, int column) override;

 private:
  JsonText added_;
};

}  // namespace reprise::runtime::sqlite
