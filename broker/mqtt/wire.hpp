// The primitive data types of MQTT (5.0, section 1.5) read from and written to raw memory.
//
// Used by the decoder, the encoder and the property helpers; all inline since they are the hot
// path's inner loop.
//   reader r(body);  uint16_t id;  if (!r.u16(id)) return malformed{...};
//   size_counter n; put(n, value);  out.resize(out.size() + n.size); writer w(...); put(w, value);
// A reader's function answers false when the input is too short or not well-formed, and then is not
// to be used further.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "broker/mqtt/topic.hpp"

namespace dunlin::mqtt {

constexpr uint32_t varint_max = 268'435'455;  // four bytes of seven bits

constexpr size_t varint_size(uint32_t value) {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : value <= varint_max ? 4 : 5;
}

inline uint16_t load_u16(const char* p) {
  uint16_t value;
  std::memcpy(&value, p, sizeof value);
  return __builtin_bswap16(value);
}

inline uint32_t load_u32(const char* p) {
  uint32_t value;
  std::memcpy(&value, p, sizeof value);
  return __builtin_bswap32(value);
}

class reader {
 public:
  explicit reader(std::string_view in) : p_(in.data()), end_(in.data() + in.size()) {}

  const char* position() const { return p_; }
  size_t left() const { return static_cast<size_t>(end_ - p_); }
  bool at_end() const { return p_ == end_; }
  std::string_view since(const char* begin) const {
    return {begin, static_cast<size_t>(p_ - begin)};
  }

  bool u8(uint8_t& out) {
    if (p_ == end_) return false;
    out = static_cast<uint8_t>(*p_++);
    return true;
  }
  bool u16(uint16_t& out) {
    if (left() < 2) return false;
    out = load_u16(p_);
    p_ += 2;
    return true;
  }
  bool u32(uint32_t& out) {
    if (left() < 4) return false;
    out = load_u32(p_);
    p_ += 4;
    return true;
  }
  // At most four bytes, and no more than the value calls for [MQTT-1.5.5-1].
  bool varint(uint32_t& out) {
    if (p_ == end_) return false;
    auto byte = static_cast<uint8_t>(*p_++);
    out = byte & 0x7F;
    for (unsigned shift = 7; byte >= 0x80; shift += 7) {
      if (shift > 21 || p_ == end_) return false;
      byte = static_cast<uint8_t>(*p_++);
      if (byte == 0) return false;
      out |= static_cast<uint32_t>(byte & 0x7F) << shift;
    }
    return true;
  }
  bool bytes(size_t n, std::string_view& out) {
    if (left() < n) return false;
    out = {p_, n};
    p_ += n;
    return true;
  }
  bool binary(std::string_view& out) {
    uint16_t n;
    return u16(n) && bytes(n, out);
  }
  bool utf8(std::string_view& out) { return binary(out) && valid_utf8(out); }

 private:
  const char* p_;
  const char* end_;
};

// Widens `range` up to the end of `part`, which stands behind it; answers whether something lies in
// between.
inline bool widen(std::string_view& range, std::string_view part) {
  if (range.empty()) {
    range = part;
    return false;
  }
  bool gap = range.data() + range.size() != part.data();
  range = {range.data(), static_cast<size_t>(part.data() + part.size() - range.data())};
  return gap;
}

// Writer and size_counter have the same functions, so that what a packet is made of is written down
// once.
class writer {
 public:
  explicit writer(char* out) : p_(out) {}

  char* position() const { return p_; }

  void u8(uint8_t v) { *p_++ = static_cast<char>(v); }
  void u16(uint16_t v) {
    v = __builtin_bswap16(v);
    std::memcpy(p_, &v, sizeof v);
    p_ += sizeof v;
  }
  void u32(uint32_t v) {
    v = __builtin_bswap32(v);
    std::memcpy(p_, &v, sizeof v);
    p_ += sizeof v;
  }
  void varint(uint32_t v) {
    assert(v <= varint_max);
    for (; v >= 0x80; v >>= 7) u8(static_cast<uint8_t>(v | 0x80));
    u8(static_cast<uint8_t>(v));
  }
  void bytes(std::string_view s) {
    if (!s.empty()) std::memcpy(p_, s.data(), s.size());
    p_ += s.size();
  }
  void binary(std::string_view s) {
    assert(s.size() <= UINT16_MAX);
    u16(static_cast<uint16_t>(s.size()));
    bytes(s);
  }
  void advance(char* to) { p_ = to; }  // somebody else wrote what is in between

 private:
  char* p_;
};

struct size_counter {
  size_t size = 0;

  void u8(uint8_t) { size += 1; }
  void u16(uint16_t) { size += 2; }
  void u32(uint32_t) { size += 4; }
  void varint(uint32_t v) { size += varint_size(v); }
  void bytes(std::string_view s) { size += s.size(); }
  void binary(std::string_view s) { size += 2 + s.size(); }
};

}  // namespace dunlin::mqtt
