// Eight bytes at a time: is this text plain ASCII? Almost every topic and user property is, and
// then nothing else about its UTF-8 needs a look.
//
// Used by topic and the decoder.  Example: if (!ascii_topic(topic)) { ... the slow, exact check ...
// }
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace dunlin::mqtt {

namespace ascii_detail {

constexpr uint64_t ones = 0x0101010101010101u;
constexpr uint64_t highs = 0x8080808080808080u;

// Not zero when a byte is above 0x7F or zero; with `Topic` also when it is '#' (0x23) or '+'
// (0x2B), which differ in one bit. A borrow only leaves a byte that is itself a hit, so "any" is
// exact.
template <bool Topic>
inline uint64_t hits(uint64_t word) {
  uint64_t bad = word | (word - ones);
  if constexpr (Topic) bad |= ((word & ~(ones * 0x08)) ^ (ones * 0x23)) - ones;
  return bad & highs;
}

template <class T>
inline T load(const char* p) {
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

template <bool Topic>
inline bool plain(std::string_view s) {
  const char* p = s.data();
  size_t n = s.size();
  if (n >= 8) {
    const char* last = p + n - 8;  // the last word overlaps the one before
    for (; p < last; p += 8) {
      if (hits<Topic>(load<uint64_t>(p)) != 0) return false;
    }
    return hits<Topic>(load<uint64_t>(last)) == 0;
  }
  if (n >= 4) {
    uint64_t low = load<uint32_t>(p);
    uint64_t high = load<uint32_t>(p + n - 4);
    return hits<Topic>(low | high << 32) == 0;
  }
  if (n == 0) return true;
  auto at = [p](size_t i) { return uint64_t{static_cast<uint8_t>(p[i])}; };
  uint64_t filler = ones * 'a' & ~uint64_t{0xFFFFFF};
  return hits<Topic>(filler | at(0) | at(n / 2) << 8 | at(n - 1) << 16) == 0;
}

}  // namespace ascii_detail

// Only U+0001 to U+007F. The empty text is.
inline bool ascii_text(std::string_view s) { return ascii_detail::plain<false>(s); }

// Only U+0001 to U+007F without '+' and '#'. The empty text is.
inline bool ascii_topic(std::string_view s) { return ascii_detail::plain<true>(s); }

}  // namespace dunlin::mqtt
