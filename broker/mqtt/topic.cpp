#include "broker/mqtt/topic.hpp"

#include <bit>
#include <cstdint>

#include "broker/mqtt/ascii.hpp"

namespace dunlin::mqtt {

namespace {

constexpr std::string_view share_prefix = "$share/";

// The length of the well-formed sequence at p that begins with a byte above 0x7F; 0 when it is none
// (Unicode, table 3-7: no overlong form, no surrogate, nothing above U+10FFFF).
size_t sequence_length(const uint8_t* p, size_t left) {
  uint8_t first = p[0];
  size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (first < 0xC2 || first > 0xF4 || left < length) return 0;
  uint8_t low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  uint8_t high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (p[1] < low || p[1] > high) return 0;
  for (size_t i = 2; i < length; ++i) {
    if ((p[i] & 0xC0) != 0x80) return 0;
  }
  return length;
}

bool valid_plain_filter(std::string_view filter) {
  if (filter.empty()) return false;
  for (size_t i = 0; i < filter.size(); ++i) {
    char c = filter[i];
    if (c == '\0') return false;
    if (c != '+' && c != '#') continue;
    bool level_begins = i == 0 || filter[i - 1] == '/';
    bool last = i + 1 == filter.size();
    bool level_ends = last || (c == '+' && filter[i + 1] == '/');
    if (!level_begins || !level_ends) return false;
  }
  return true;
}

}  // namespace

bool valid_utf8(std::string_view s) {
  if (ascii_text(s)) return true;
  auto* p = reinterpret_cast<const uint8_t*>(s.data());
  auto* end = p + s.size();
  while (p < end) {
    if (end - p >= 8) {  // to the first byte that is not plain, which the lowest hit is
      auto word = ascii_detail::load<uint64_t>(reinterpret_cast<const char*>(p));
      uint64_t hits = ascii_detail::hits<false>(word);
      p += hits == 0 ? 8 : std::countr_zero(hits) / 8;
      if (hits == 0) continue;
    }
    if (*p == 0) return false;
    size_t length = *p < 0x80 ? 1 : sequence_length(p, static_cast<size_t>(end - p));
    if (length == 0) return false;
    p += length;
  }
  return true;
}

bool valid_topic_name(std::string_view topic) {
  if (topic.empty()) return false;
  if (ascii_topic(topic)) return true;
  for (char c : topic) {
    if (c == '+' || c == '#' || c == '\0') return false;
  }
  return true;
}

bool valid_topic_filter(std::string_view filter) {
  if (!filter.starts_with(share_prefix)) return valid_plain_filter(filter);
  auto shared = parse_shared(filter);
  // A shared filter within a shared one means nothing, and would be taken apart twice.
  return shared && !shared->filter.starts_with(share_prefix) && valid_plain_filter(shared->filter);
}

bool has_wildcard(std::string_view filter) {
  return filter.find_first_of("+#") != std::string_view::npos;
}

std::optional<shared_filter> parse_shared(std::string_view filter) {
  if (!filter.starts_with(share_prefix)) return std::nullopt;
  filter.remove_prefix(share_prefix.size());
  size_t slash = filter.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == filter.size()) {
    return std::nullopt;
  }
  shared_filter parts{filter.substr(0, slash), filter.substr(slash + 1)};
  if (has_wildcard(parts.group) || parts.group.find('\0') != std::string_view::npos) {
    return std::nullopt;
  }
  return parts;
}

bool matches(std::string_view filter, std::string_view topic) {
  if (filter.empty() || topic.empty()) return false;
  if (topic[0] == '$' && (filter[0] == '+' || filter[0] == '#')) return false;
  size_t f = 0;
  size_t t = 0;
  for (;;) {  // both stand at the beginning of a level
    if (f < filter.size() && filter[f] == '#') return true;
    if (f < filter.size() && filter[f] == '+') {
      ++f;
      while (t < topic.size() && topic[t] != '/') ++t;
    } else {
      while (f < filter.size() && filter[f] != '/') {
        if (t == topic.size() || topic[t] != filter[f]) return false;
        ++f;
        ++t;
      }
    }
    // Both must stand at the end of a level now.
    if (f < filter.size() && filter[f] != '/') return false;
    if (t == topic.size()) return f == filter.size() || filter.substr(f) == "/#";
    if (topic[t] != '/' || f == filter.size()) return false;
    ++f;
    ++t;
  }
}

}  // namespace dunlin::mqtt
