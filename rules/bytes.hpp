// Numbers as bytes: little endian in values, big endian in keys (so that keys sort as the numbers
// do).
//
// Used by what is kept on disk (spool, dead letters, embedded queue).
//   std::string value; put_number<uint32_t>(value, 7); put_string(value, "x");
//   byte_reader in{value}; auto n = in.number<uint32_t>(); auto s = in.string(); if (!in.whole())
//   ...
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace dunlin::rules {

static_assert(std::endian::native == std::endian::little);

template <class T>
void put_number(std::string& out, T value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

inline void put_string(std::string& out, std::string_view bytes) {
  put_number(out, static_cast<uint32_t>(bytes.size()));
  out.append(bytes);
}

inline void put_key_number(std::string& out, uint64_t value) {
  put_number(out, __builtin_bswap64(value));
}

// The number that ends a key; the caller knows that it is there.
inline uint64_t key_number(std::string_view key) {
  uint64_t value;
  std::memcpy(&value, key.data() + key.size() - sizeof value, sizeof value);
  return __builtin_bswap64(value);
}

// Takes from the front. Once something was missing it gives zeros, and whole() says so.
class byte_reader {
 public:
  explicit byte_reader(std::string_view bytes) : left_(bytes) {}

  template <class T>
  T number() {
    T value{};
    auto bytes = take(sizeof value);
    if (!bytes.empty()) std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }
  std::string_view string() { return take(number<uint32_t>()); }
  std::string_view rest() const { return left_; }
  bool whole() const { return whole_; }

 private:
  std::string_view take(size_t n) {
    if (n > left_.size()) whole_ = false;
    if (!whole_) return {};
    auto bytes = left_.substr(0, n);
    left_.remove_prefix(n);
    return bytes;
  }

  std::string_view left_;
  bool whole_ = true;
};

}  // namespace dunlin::rules
