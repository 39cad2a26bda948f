// Valid packets with random damage: whatever the decoder takes must be stable when encoded and
// decoded once more. A failure prints the seed; DUNLIN_SEED repeats it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <random>

#include "broker/mqtt/decode.hpp"
#include "tests/mqtt/hex.hpp"
#include "tests/mqtt/samples.hpp"

namespace dunlin::mqtt {
namespace {

constexpr size_t packet_size_max = 1 << 20;
constexpr size_t rounds = 200'000;

uint64_t pick_seed() {
  const char* given = std::getenv("DUNLIN_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

class mutator {
 public:
  explicit mutator(uint64_t seed) : random_(seed) {}

  size_t below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }

  void mutate(std::string& bytes) {
    for (size_t times = 1 + below(4); times > 0 && !bytes.empty(); --times) once(bytes);
    if (below(2) == 0) repair_length(bytes);
  }

 private:
  void once(std::string& bytes) {
    size_t at = below(bytes.size());
    switch (below(6)) {
      case 0:
        bytes[at] = static_cast<char>(bytes[at] ^ 1 << below(8));
        break;
      case 1:
        bytes[at] = static_cast<char>(below(256));
        break;
      case 2:
        bytes[at] = "\x00\x7f\x80\xff"[below(4)];
        break;
      case 3:
        bytes.insert(at, 1, static_cast<char>(below(0x30)));
        break;
      case 4:
        bytes.erase(at, 1 + below(3));
        break;
      default:
        bytes.insert(at, bytes.substr(below(bytes.size()), 1 + below(12)));
    }
  }

  // So that the damage reaches the body instead of the frame.
  static void repair_length(std::string& bytes) {
    if (bytes.size() >= 2 && bytes.size() <= 129) bytes[1] = static_cast<char>(bytes.size() - 2);
  }

  std::mt19937_64 random_;
};

std::string encoded_again(const packet& p, version v) {
  sample s{"", v, p};
  return encoded(s);
}

void check(const std::string& bytes, version v, size_t& taken) {
  frame_result framed = next_frame(bytes, packet_size_max);
  auto* f = std::get_if<frame>(&framed);
  if (f == nullptr) return;
  auto first = decode(*f, v);
  auto* p = std::get_if<packet>(&first);
  if (p == nullptr) return;
  ++taken;
  if (auto* c = std::get_if<connect>(p)) v = c->ver;
  std::string once = encoded_again(*p, v);
  auto reframed = next_frame(once, packet_size_max);
  ASSERT_TRUE(std::holds_alternative<frame>(reframed)) << to_hex(bytes);
  auto second = decode(std::get<frame>(reframed), v);
  ASSERT_TRUE(std::holds_alternative<packet>(second)) << to_hex(bytes);
  ASSERT_EQ(to_hex(encoded_again(std::get<packet>(second), v)), to_hex(once)) << to_hex(bytes);
}

TEST(Mutation, WhatIsTakenIsStable) {
  uint64_t seed = pick_seed();
  std::cout << "DUNLIN_SEED=" << seed << "\n";
  SCOPED_TRACE("DUNLIN_SEED=" + std::to_string(seed));
  mutator random(seed);
  std::vector<std::pair<std::string, version>> small;
  for (const sample& s : samples()) {
    std::string bytes = encoded(s);
    if (bytes.size() <= 512) small.emplace_back(std::move(bytes), s.ver);
  }
  size_t taken = 0;
  for (size_t i = 0; i < rounds; ++i) {
    auto [bytes, v] = small[random.below(small.size())];
    random.mutate(bytes);
    check(bytes, v, taken);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(taken, rounds / 100);
  EXPECT_LT(taken, rounds);
}

}  // namespace
}  // namespace dunlin::mqtt
