/// Plugins' values to and from PostgreSQL's binary form.
#pragma once

#include <deque>
#include <span>
#include <string>

#include "ports/journal.h"
#include "postgres/answer.h"
#include "postgres/params.h"

namespace reprise::runtime::postgres {

/// kInvalid if a text holds a NUL or is not UTF-8: no column takes it.
Status CheckValues(std::span<const SqlValue> values);

/// int64 -> bigint, double -> double precision, text, blob -> bytea; NULL says nothing.
Oid TypeOf(const SqlValue& value);
void AddValue(Params& params, const SqlValue& value, Oid type);
void AddValue(Column& column, const SqlValue& value);

/// A cell: integers of every width and booleans are integers, instants are milliseconds since 1970,
/// numerics integers if they are whole and fit, else reals; texts, JSON and ids are text.  kInvalid
/// for other types.  `keep` holds what had to be made; it must live as long as the value.
Result<SqlValue> ValueAt(const Answer& rows, int row, int column, std::deque<std::string>& keep);

}  // namespace reprise::runtime::postgres
