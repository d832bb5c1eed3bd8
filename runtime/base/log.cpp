#include "base/log.h"

#include <array>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <memory>
#include <mutex>

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>

#include "base/utf8.h"

namespace reprise::runtime {
namespace {

constexpr std::array<std::string_view, 5> kLevelNames{"debug", "info", "warn", "error", "off"};

/// To stderr, or into a capture.
class LineSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  void Capture(bool on) {
    const std::lock_guard lock(mutex_);
    capturing_ = on;
    captured_.clear();
  }
  std::string Captured() {
    const std::lock_guard lock(mutex_);
    return captured_;
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    line_.assign(message.payload.data(), message.payload.size());
    line_ += '\n';
    if (capturing_) {
      captured_ += line_;
    } else {
      std::fwrite(line_.data(), 1, line_.size(), stderr);  // one write a line: stderr has no buffer
    }
  }
  void flush_() override {}

 private:
  std::string line_, captured_;
  bool capturing_ = false;
};

struct Output {
  std::atomic<LogLevel> level{LogLevel::kInfo};
  std::atomic<LogFormat> format{LogFormat::kText};
  std::shared_ptr<LineSink> sink = std::make_shared<LineSink>();
  spdlog::logger logger{"reprise", sink};
};

Output& TheOutput() {  // never destroyed: a static's destructor may still log
  static Output& output = *new Output;
  return output;
}

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kOff:
      return spdlog::level::off;
  }
  return spdlog::level::off;
}

/// What could end the line, move the cursor or turn the text around on a terminal.
bool Forges(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029 ||
         (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

void Escape(std::string& out, std::string_view text, bool quoted) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t from = at;
    const char32_t c = NextCodePoint(text, at);
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (Forges(c)) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
    } else if (c == kNoCodePoint) {
      out += "\xEF\xBF\xBD";
    } else {
      if (quoted && (c == '"' || c == '\\')) out += '\\';
      out.append(text, from, at - from);
    }
  }
}

void Quote(std::string& out, std::string_view text) {
  out += '"';
  Escape(out, text, true);
  out += '"';
}

/// A value that reads as one word needs no quotes.
bool Plain(std::string_view text) {
  for (const char c : text) {
    if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == '\x7F')
      return false;  // also bytes of UTF-8
  }
  return !text.empty();
}

void PutValue(std::string& out, const LogValue& value, LogFormat format) {
  if (const auto* text = std::get_if<std::string_view>(&value.value)) {
    if (format == LogFormat::kText && Plain(*text)) {
      out += *text;
    } else {
      Quote(out, *text);
    }
  } else if (const auto* flag = std::get_if<bool>(&value.value)) {
    out += *flag ? "true" : "false";
  } else if (const auto* integer = std::get_if<std::int64_t>(&value.value)) {
    fmt::format_to(std::back_inserter(out), "{}", *integer);
  } else if (const double real = std::get<double>(value.value); std::isfinite(real)) {
    fmt::format_to(std::back_inserter(out), "{}", real);
  } else {
    out += "null";
  }
}

}  // namespace

std::string_view Name(LogLevel level) {
  return kLevelNames[static_cast<std::size_t>(level)];
}

std::optional<LogLevel> ParseLogLevel(std::string_view name) {
  for (std::size_t i = 0; i < kLevelNames.size(); ++i) {
    if (kLevelNames[i] == name) return static_cast<LogLevel>(i);
  }
  return std::nullopt;
}

std::string LogLine(LogFormat format, LogLevel level, Time at, std::string_view text,
                    LogFields fields) {
  std::string out;
  out.reserve(64 + text.size() + fields.size() * 32);
  if (format == LogFormat::kText) {
    fmt::format_to(std::back_inserter(out), "{} {:5} ", Rfc3339(at), Name(level));
    Escape(out, text, false);
    for (const LogField& field : fields) {
      fmt::format_to(std::back_inserter(out), " {}=", field.name);
      PutValue(out, field.value, format);
    }
    return out;
  }
  fmt::format_to(std::back_inserter(out), R"({{"ts":"{}","level":"{}","msg":)", Rfc3339(at),
                 Name(level));
  Quote(out, text);
  for (const LogField& field : fields) {
    out += ',';
    Quote(out, field.name);
    out += ':';
    PutValue(out, field.value, format);
  }
  out += '}';
  return out;
}

void Log(LogLevel level, std::string_view text, LogFields fields) {
  if (!LogEnabled(level)) return;
  Output& output = TheOutput();
  const Time now = std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now());
  const std::string line = LogLine(output.format, level, now, text, fields);
  output.logger.log(ToSpdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

bool LogEnabled(LogLevel level) {
  return level != LogLevel::kOff && level >= TheOutput().level.load(std::memory_order_relaxed);
}

void SetLogLevel(LogLevel level) {
  TheOutput().level = level;
  TheOutput().logger.set_level(ToSpdlog(level));
}

void SetLogFormat(LogFormat format) {
  TheOutput().format = format;
}

LogCapture::LogCapture() {
  TheOutput().sink->Capture(true);
}
LogCapture::~LogCapture() {
  TheOutput().sink->Capture(false);
}
std::string LogCapture::Text() const {
  return TheOutput().sink->Captured();
}

}  // namespace reprise::runtime
