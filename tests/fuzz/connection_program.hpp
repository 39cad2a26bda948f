// The program that connection_fuzz runs: one byte of what is switched on at the node
// (connection_features.hpp), then one byte a step (low four bits what, the next two how, the high
// two whose) and what the step needs. Written by corpus_writer, changed by libFuzzer.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace dunlin::fuzz {

enum class step : uint8_t {
  raw,          // length, bytes
  fitted,       // first byte, length, body: the remaining length is made to fit
  connect,      // flags, the will's topic, who it is (where anything is switched on)
  publish,      // flags (topic in the low four bits), payload, properties (likewise)
  subscribe,    // flags (filter in the low four bits)
  unsubscribe,  // filter; or PINGREQ; or AUTH and what of it
  ack,          // packet identifier
  disconnect,
  split,  // the next bytes go in two pieces: size of the first
  turn,   // of one reactor, or one or both are used
  settle,
  advance,  // time / 25 ms
  hang_up,
  block,  // or unblock
  open,   // a connection without CONNECT
  check,  // the client that behaves; or what the operator and the machine do
};

class program {
 public:
  explicit program(std::string_view bytes) : rest_(bytes) {}
  bool empty() const { return rest_.empty(); }
  uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto b = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return b;
  }
  std::string_view take(size_t n) {
    const std::string_view part = rest_.substr(0, n);
    rest_.remove_prefix(part.size());
    return part;
  }

 private:
  std::string_view rest_;
};

inline std::string_view topic(uint8_t n) {
  static constexpr std::string_view topics[] = {
      "a/b",         "a/b/c",      "a",    "b/x",          "$delayed/1/a/b", "/",
      "good/own",    "$SYS/x",     "a/a",  "$delayed/2/b", "long/a",         "home/p2p/c0",
      "home/p2p/c2", "home/p2p/x", "$z/a", "x//y"};
  return topics[n % 16];
}
inline std::string_view filter(uint8_t n) {
  static constexpr std::string_view filters[] = {
      "a/b",          "a/#",      "+/b", "#",      "b/+", "+/+/c", "$share/g/a/#", "$share/g/#",
      "$share/h/+/b", "good/own", "/",   "$SYS/#", "a/+", "x//y",  "$share/g",     "a/#/b"};
  return filters[n % 16];
}

}  // namespace dunlin::fuzz
