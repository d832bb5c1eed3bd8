/// Rows of a query, and tables handed to a query.
#pragma once

#include <array>
#include <cassert>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <reprise/value.hpp>

namespace reprise {

/// What a query answered; owns its values.  `for (Row row : *rows) row.Text(0)`.
class Rows {
  struct Cell {
    std::int32_t type = REPRISE_NULL;
    std::int64_t integer = 0;
    double real = 0;
    std::size_t at = 0, size = 0;  // in text_
  };

 public:
  /// Columns by position.  Valid as long as its Rows.  A value of another type throws
  /// std::runtime_error, which ends as a Retry that says so.
  class Row {
   public:
    bool Null(std::size_t column) const { return At(column).type == REPRISE_NULL; }
    std::int64_t Int(std::size_t column) const {
      const Cell& cell = At(column);
      if (cell.type != REPRISE_INT && cell.type != REPRISE_BOOL)
        Wrong(column, cell.type, "an integer");
      return cell.integer;
    }
    bool Bool(std::size_t column) const { return Int(column) != 0; }
    double Real(std::size_t column) const {
      const Cell& cell = At(column);
      return cell.type == REPRISE_REAL ? cell.real : static_cast<double>(Int(column));
    }
    std::string_view Text(std::size_t column) const {
      const Cell& cell = At(column);
      if (cell.type != REPRISE_TEXT && cell.type != REPRISE_BLOB && cell.type != REPRISE_JSON) {
        Wrong(column, cell.type, "text");
      }
      return std::string_view(rows_->text_).substr(cell.at, cell.size);
    }
    std::size_t size() const { return rows_->columns_; }

   private:
    friend class Rows;
    Row(const Rows* rows, std::size_t index) : rows_(rows), index_(index) {}
    const Cell& At(std::size_t column) const {
      if (column >= rows_->columns_)
        throw std::runtime_error("no column " + std::to_string(column));
      return rows_->cells_[index_ * rows_->columns_ + column];
    }
    [[noreturn]] static void Wrong(std::size_t column, std::int32_t is, std::string_view want) {
      detail::ThrowType("column " + std::to_string(column), is, want);
    }
    const Rows* rows_;
    std::size_t index_;
  };

  class Iterator {
   public:
    Iterator(const Rows* rows, std::size_t index) : rows_(rows), index_(index) {}
    Row operator*() const { return (*rows_)[index_]; }
    Iterator& operator++() { return ++index_, *this; }
    bool operator==(const Iterator& other) const { return index_ == other.index_; }

   private:
    const Rows* rows_;
    std::size_t index_;
  };

  std::size_t size() const { return columns_ == 0 ? 0 : cells_.size() / columns_; }
  bool empty() const { return cells_.empty(); }
  /// How many rows the statement changed.
  std::int64_t affected() const { return affected_; }
  Row operator[](std::size_t index) const {
    if (index >= size()) throw std::runtime_error("no row " + std::to_string(index));
    return Row(this, index);
  }
  Row front() const { return (*this)[0]; }
  Iterator begin() const { return {this, 0}; }
  Iterator end() const { return {this, size()}; }

  // For hosts and the SDK itself.
  void Append(const reprise_value* columns, std::size_t n) {
    columns_ = n;
    for (std::size_t i = 0; i < n; ++i) {
      Cell& cell = cells_.emplace_back();
      cell.type = columns[i].type;
      switch (cell.type) {
        case REPRISE_TEXT:
        case REPRISE_BLOB:
        case REPRISE_JSON:
          cell.at = text_.size();
          cell.size = columns[i].as.text.size;
          text_.append(detail::FromAbi(columns[i].as.text));
          break;
        case REPRISE_REAL:
          cell.real = columns[i].as.real;
          break;
        default:
          cell.integer = columns[i].as.integer;
      }
    }
  }
  void SetAffected(std::int64_t affected) { affected_ = affected; }

 private:
  std::size_t columns_ = 0;
  std::vector<Cell> cells_;
  std::string text_;
  std::int64_t affected_ = 0;
};
using Row = Rows::Row;

/// Rows for a set-based statement, where `$rows` stands for them:
///   Table seats{"id", "price"};
///   seats.Add("A-1", 50000);
///   ctx.QueryRows("INSERT INTO seat_row (id, price) SELECT id, price FROM $rows", seats);
class Table {
 public:
  Table(std::initializer_list<std::string_view> columns)
      : columns_(columns.begin(), columns.end()) {}

  template <class... Values>
  void Add(const Values&... values) {
    if (sizeof...(Values) != columns_.size())
      throw std::runtime_error("a row of another width than its table");
    (cells_.push_back(Value(values)), ...);
  }

  bool empty() const { return cells_.empty(); }
  std::size_t size() const { return cells_.size() / columns_.size(); }
  const std::vector<std::string>& columns() const { return columns_; }
  const std::vector<Value>& cells() const { return cells_; }

 private:
  std::vector<std::string> columns_;
  std::vector<Value> cells_;  // row-major
};

}  // namespace reprise
