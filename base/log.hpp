// Structured log lines on standard error: one event name and key=value fields a line (or one JSON
// object a line).
//
// Used by every layer but the pure ones. A level that is off costs one atomic load; fields are
// built by the caller, so guard costly ones with enabled().   log::info("client_connected",
// {{"client_id", id}, {"address", peer}});
// -> 2026-01-02T03:04:05.678Z info client_connected client_id=c1 address=127.0.0.1:5555
#pragma once

#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>

namespace dunlin::log {

enum class level { debug, info, warn, error, off };
enum class format { text, json };

struct field {
  std::string_view key;
  std::string value;
  bool literal = false;  // a number or a truth value: JSON writes it without quotes

  field(std::string_view k, std::string_view v) : key(k), value(v) {}
  field(std::string_view k, const char* v) : key(k), value(v) {}
  field(std::string_view k, const std::string& v) : key(k), value(v) {}
  field(std::string_view k, bool v) : key(k), value(v ? "true" : "false"), literal(true) {}
  template <std::integral T>
  field(std::string_view k, T v) : key(k), value(std::to_string(v)), literal(true) {}
};
using fields = std::initializer_list<field>;

// Before the first line, and again at any time from any thread; defaults are info and text.
void configure(level lowest, format f);
bool enabled(level l);
void write(level l, std::string_view event, fields f);

inline void debug(std::string_view event, fields f = {}) { write(level::debug, event, f); }
inline void info(std::string_view event, fields f = {}) { write(level::info, event, f); }
inline void warn(std::string_view event, fields f = {}) { write(level::warn, event, f); }
inline void error(std::string_view event, fields f = {}) { write(level::error, event, f); }

}  // namespace dunlin::log
