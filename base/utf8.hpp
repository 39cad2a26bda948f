// Tells well-formed UTF-8 from other bytes (RFC 3629: no overlong form, no surrogate, nothing above
// U+10FFFF).
//
// Used by the log and the HTTP API, which show what peers sent.   utf8_valid(payload) ? as_text() :
// as_base64();
#pragma once

#include <cstddef>
#include <string_view>

namespace dunlin {

// Bytes of the sequence that s begins with: 1 to 4, or 0 when s is empty or begins with something
// else.
constexpr size_t utf8_sequence(std::string_view s) {
  if (s.empty()) return 0;
  const auto at = [&](size_t i) { return static_cast<unsigned char>(s[i]); };
  const unsigned char first = at(0);
  if (first < 0x80) return 1;
  const size_t n = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || s.size() < n) return 0;
  for (size_t i = 1; i < n; ++i)
    if ((at(i) & 0xC0) != 0x80) return 0;
  if ((first == 0xE0 && at(1) < 0xA0) || (first == 0xF0 && at(1) < 0x90)) return 0;  // overlong
  if ((first == 0xED && at(1) > 0x9F) || (first == 0xF4 && at(1) > 0x8F)) return 0;
  return n;
}

constexpr bool utf8_valid(std::string_view s) {
  while (!s.empty()) {
    const size_t n = utf8_sequence(s);
    if (n == 0) return false;
    s.remove_prefix(n);
  }
  return true;
}

}  // namespace dunlin
