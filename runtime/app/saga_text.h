/// Sagas as text: the list's table and one saga's timeline of do and undo.  Pure, from the API's
/// JSON.
#pragma once

#include <string>

#include "app/terminal.h"
#include "model/payload.h"

namespace reprise::runtime {

/// "✋ stuck".
std::string Marked(std::string_view state);

/// The table of `GET sagas`; empty without sagas.
std::string SagaTable(const json::object& list, const Look& look);

/// "2 shown of 48,112 sagas (48,001 done, 109 undone)." of `GET sagas?counts`.
std::string SagaCounts(const json::object& list);

/// Head, timeline and, if they were asked for, payloads of `GET sagas/{id}`.
std::string SagaTimeline(const json::object& saga, const Look& look);

/// What to do next about this saga: "reprise saga retry 0199f3c2 stock", or empty.
std::string NextForSaga(const json::object& saga, const std::string& flags);

}  // namespace reprise::runtime
