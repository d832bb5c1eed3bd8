/// Reads one YAML document into a tree with places, by yaml-cpp's event parser.
///
/// Refuses what makes YAML treacherous: duplicate and merge keys, a second document, tags, aliases
/// that contain themselves, depth over 64, more than 100,000 nodes (aliases expanded), text over 1
/// MiB.
#pragma once

#include <optional>

#include "base/result.h"
#include "config/finding.h"

namespace reprise::runtime {

inline constexpr size_t kYamlBytesMax = 1 << 20;
inline constexpr int kYamlDepthMax = 64;
inline constexpr int kYamlNodesMax = 100'000;

/// Nothing if there is no tree to go on with; what was wrong is in `sink` either way.
std::optional<Node> ParseYaml(Sink& sink);

/// Reads a file; errors say what is wrong with it (missing, too big).
Result<std::string> ReadText(const std::string& path, size_t bytes_max = kYamlBytesMax);

/// The first key of a document, without parsing it: decides what a file is, even a broken one.
std::string FirstKey(std::string_view text);

/// Columns in code points: how many a piece of UTF-8 text takes.
int CodePoints(std::string_view text);

}  // namespace reprise::runtime
