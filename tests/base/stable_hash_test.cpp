// The hash that decides where things are.
#include "base/stable_hash.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace dunlin {
namespace {

TEST(StableHash, IsXXH3) {
  // XXH3_64bits of xxHash 0.8, without a seed.
  EXPECT_EQ(stable_hash(""), 0x2D06800538D394C2u);
  EXPECT_EQ(stable_hash("a"), 0xE6C632B61E964E1Fu);
}

TEST(StableHash, DividesTextsEvenly) {
  for (size_t n : {1, 2, 3, 8, 100}) {
    std::vector<int> sizes(n);
    for (int i = 0; i < 100'000; ++i) {
      const size_t part = part_of("plant/line" + std::to_string(i), n);
      ASSERT_LT(part, n);
      ++sizes[part];
    }
    for (int size : sizes) EXPECT_NEAR(size, 100'000.0 / n, 20'000.0 / n) << n;
  }
}

}  // namespace
}  // namespace dunlin
