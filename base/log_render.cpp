#include "base/log_render.hpp"

#include <algorithm>

#include "base/utf8.hpp"

namespace dunlin::log {

namespace {

constexpr char hex[] = "0123456789abcdef";

bool control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

// A C1 control (U+0080..U+009F) can drive a terminal just as the ASCII ones can.
bool control_sequence(std::string_view s, size_t n) {
  return (n == 1 && control(s[0])) ||
         (n == 2 && s[0] == '\xC2' && static_cast<unsigned char>(s[1]) < 0xA0);
}

bool plain(std::string_view s) {
  return !s.empty() && std::all_of(s.begin(), s.end(), [](char c) {
    return !control(c) && static_cast<unsigned char>(c) < 0x80 && c != ' ' && c != '"' &&
           c != '=' && c != '\\';
  });
}

void append_short_escape(std::string& out, char c) {
  out += '\\';
  out += c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\t' ? 't' : c;
}

bool has_short_escape(char c) {
  return c == '"' || c == '\\' || c == '\n' || c == '\r' || c == '\t';
}

void append_text(std::string& out, std::string_view s) {
  if (plain(s)) {
    out += s;
    return;
  }
  out += '"';
  while (!s.empty()) {
    const size_t n = utf8_sequence(s);
    const size_t step = std::max<size_t>(n, 1);
    if (n == 1 && has_short_escape(s[0])) {
      append_short_escape(out, s[0]);
    } else if (n == 0 || control_sequence(s, n)) {
      for (unsigned char c : s.substr(0, step)) out += {'\\', 'x', hex[c >> 4], hex[c & 15]};
    } else {
      out += s.substr(0, step);
    }
    s.remove_prefix(step);
  }
  out += '"';
}

void append_json(std::string& out, std::string_view s) {
  out += '"';
  while (!s.empty()) {
    const size_t n = utf8_sequence(s);
    const size_t step = std::max<size_t>(n, 1);
    if (n == 0) {
      out += "\\ufffd";
    } else if (n == 1 && has_short_escape(s[0])) {
      append_short_escape(out, s[0]);
    } else if (control_sequence(s, n)) {
      const auto c =
          static_cast<unsigned char>(s[n - 1]);  // below U+0100 the last byte is the code point
      out += {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    } else {
      out += s.substr(0, step);
    }
    s.remove_prefix(step);
  }
  out += '"';
}

}  // namespace

std::string_view name_of(level l) {
  switch (l) {
    case level::debug:
      return "debug";
    case level::info:
      return "info";
    case level::warn:
      return "warn";
    case level::error:
      return "error";
    case level::off:
      break;
  }
  return "off";
}

std::string render(format f, level l, std::string_view event, fields values) {
  std::string out;
  out.reserve(64 + values.size() * 32);
  if (f == format::text) {
    out.append(name_of(l)).append(" ");
    append_text(out, event);
    for (const auto& v : values) {
      out.append(" ").append(v.key).append("=");
      append_text(out, v.value);
    }
    return out;
  }
  out.append("\"level\":\"").append(name_of(l)).append("\",\"event\":");
  append_json(out, event);
  for (const auto& v : values) {
    out += ',';
    append_json(out, v.key);
    out += ':';
    if (v.literal)
      out += v.value;
    else
      append_json(out, v.value);
  }
  return out;
}

}  // namespace dunlin::log
