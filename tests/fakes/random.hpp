// Randomness that a failure can repeat: the seed is printed, and DUNLIN_SEED sets it.
//
// Used by every random test.   TEST(X, Y) { seeded_random random; SCOPED_TRACE(random.name());
// random.below(6); }
#pragma once

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>

namespace dunlin::fakes {

class seeded_random {
 public:
  seeded_random() : seeded_random(pick()) { std::cout << name() << "\n"; }
  explicit seeded_random(uint64_t seed) : seed_(seed), engine_(seed) {}

  size_t below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(engine_); }
  bool one_in(size_t n) { return below(n) == 0; }
  std::string name() const { return "DUNLIN_SEED=" + std::to_string(seed_); }

 private:
  static uint64_t pick() {
    const char* given = std::getenv("DUNLIN_SEED");
    return given ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  }

  uint64_t seed_;
  std::mt19937_64 engine_;
};

}  // namespace dunlin::fakes
