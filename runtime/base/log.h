/// One line per thing worth knowing, to stderr, as text or JSON, through spdlog.
///
/// Whatever a caller, a client or a plugin put into a value stays on its line: control bytes,
/// line separators and bidirectional overrides are escaped, bytes that are not UTF-8 become U+FFFD.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/time.h"

namespace reprise::runtime {

enum class LogLevel { kDebug, kInfo, kWarn, kError, kOff };
enum class LogFormat { kText, kJson };

/// "debug", "info", "warn", "error", "off".
std::string_view Name(LogLevel level);
std::optional<LogLevel> ParseLogLevel(std::string_view name);

/// Text is borrowed until the call returns.
struct LogValue {
  LogValue(std::string_view text) : value(text) {}               // NOLINT: implicit on purpose
  LogValue(const char* text) : value(std::string_view(text)) {}  // NOLINT
  LogValue(const std::string& text) : value(std::string_view(text)) {}     // NOLINT
  LogValue(bool flag) : value(flag) {}                                     // NOLINT
  LogValue(std::integral auto n) : value(static_cast<std::int64_t>(n)) {}  // NOLINT
  LogValue(double n) : value(n) {}                                         // NOLINT

  std::variant<std::string_view, bool, std::int64_t, double> value;
};
struct LogField {
  std::string_view name;
  LogValue value;
};
using LogFields = std::initializer_list<LogField>;

/// Threads: any, all four.  Below the level a call costs one relaxed load.
void Log(LogLevel level, std::string_view text, LogFields fields = {});
bool LogEnabled(LogLevel level);
void SetLogLevel(LogLevel level);     // default kInfo
void SetLogFormat(LogFormat format);  // default kText

/// The line that Log writes, without its end.
std::string LogLine(LogFormat format, LogLevel level, Time at, std::string_view text,
                    LogFields fields);

/// While it lives, lines go here and not to stderr.  For tests; the latest wins.
class LogCapture {  // Threads: any.
 public:
  LogCapture();
  ~LogCapture();
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;

  /// Every line so far, each with its end.
  std::string Text() const;
};

}  // namespace reprise::runtime
