/// Dead letters as text.  Pure, from the API's JSON.
#pragma once

#include <string>

#include "app/terminal.h"
#include "model/payload.h"

namespace reprise::runtime {

/// The groups of `GET dlq`; empty without letters.
std::string GroupTable(const json::object& list, const Look& look);

/// The letters of `GET dlq`, one a line.
std::string LetterTable(const json::object& list, const Look& look);

/// One letter of `GET dlq/{id}`, with its payload.
std::string LetterText(const json::object& letter, const Look& look);

}  // namespace reprise::runtime
