#include "broker/guard/ban_file.hpp"

#include <array>
#include <charconv>
#include <optional>

#include "broker/guard/ban_list.hpp"

namespace dunlin::guard {
namespace {

constexpr std::string_view first_line = "dunlin-bans 1";
constexpr size_t fields = 7;

// FNV-1a: against damage, not against malice.
uint32_t checksum(std::string_view s) {
  uint32_t h = 2166136261u;
  for (const char c : s) h = (h ^ static_cast<uint8_t>(c)) * 16777619u;
  return h;
}

std::string hex(uint32_t n) {
  constexpr const char* digits = "0123456789abcdef";
  std::string out(8, '0');
  for (int i = 7; i >= 0; --i, n >>= 4) out[static_cast<size_t>(i)] = digits[n & 15];
  return out;
}

void put_escaped(std::string& out, std::string_view s) {
  for (const char c : s) {
    if (static_cast<uint8_t>(c) < 0x20 || c == '%' || c == 0x7F)
      out += "%" + hex(static_cast<uint8_t>(c)).substr(6);
    else
      out += c;
  }
}

std::optional<std::string> unescaped(std::string_view s) {
  std::string out;
  for (size_t i = 0; i < s.size(); ++i) {
    if (s[i] != '%') {
      out += s[i];
      continue;
    }
    unsigned code = 0;
    if (i + 3 > s.size()) return {};
    const auto [end, error] = std::from_chars(s.data() + i + 1, s.data() + i + 3, code, 16);
    if (error != std::errc() || end != s.data() + i + 3) return {};
    out += static_cast<char>(code);
    i += 2;
  }
  return out;
}

template <class N>
bool number(std::string_view s, N& into) {
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), into);
  return error == std::errc() && end == s.data() + s.size();
}

std::optional<ban> read_line(std::string_view line) {
  const size_t tab = line.rfind('\t');
  if (tab == std::string_view::npos) return {};
  if (hex(checksum(line.substr(0, tab))) != line.substr(tab + 1)) return {};
  std::array<std::string_view, fields> f;
  std::string_view rest = line.substr(0, tab);
  for (size_t i = 0; i < fields; ++i) {
    const size_t end = rest.find('\t');
    if ((end == std::string_view::npos) != (i + 1 == fields)) return {};
    f[i] = rest.substr(0, end);
    if (i + 1 < fields) rest.remove_prefix(end + 1);
  }
  ban b;
  unsigned kind = 0, source = 0;
  const auto value = unescaped(f[2]), reason = unescaped(f[5]), by = unescaped(f[6]);
  if (!number(f[0], kind) || kind > 2 || !number(f[1], source) || source > 2 ||
      !number(f[3], b.since_ms) || !number(f[4], b.until_ms) || !value || !reason || !by)
    return {};
  b.kind = static_cast<ban_kind>(kind);
  b.source = static_cast<ban_source>(source);
  const auto normal = ban_list::normal_value(b.kind, *value);
  if (!normal) return {};
  b.value = *normal;
  b.reason = *reason;
  b.by = *by;
  return b;
}

}  // namespace

std::string write_bans(const std::vector<ban>& bans) {
  std::string out(first_line);
  out += '\n';
  for (const ban& b : bans) {
    std::string line = std::to_string(static_cast<int>(b.kind)) + "\t" +
                       std::to_string(static_cast<int>(b.source)) + "\t";
    put_escaped(line, b.value);
    line += "\t" + std::to_string(b.since_ms) + "\t" + std::to_string(b.until_ms) + "\t";
    put_escaped(line, b.reason);
    line += '\t';
    put_escaped(line, b.by);
    out += line + "\t" + hex(checksum(line)) + "\n";
  }
  return out;
}

read_result read_bans(std::string_view text) {
  read_result out;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (number == 1 && line == first_line) continue;
    auto b = end == std::string_view::npos ? std::nullopt : read_line(line);
    if (b)
      out.bans.push_back(std::move(*b));
    else
      out.damaged.push_back(number);
  }
  return out;
}

}  // namespace dunlin::guard
