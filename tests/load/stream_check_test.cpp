#include "tests/load/stream_check.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <set>

namespace dunlin::load {
namespace {

stream_check after(std::initializer_list<uint64_t> sequences) {
  stream_check s;
  for (const uint64_t n : sequences) s.got(n);
  return s;
}

TEST(StreamCheck, FindsNothingInACompleteStream) {
  const stream_check s = after({0, 1, 2, 3});
  EXPECT_EQ(s.missing_below(4), 0u);
  EXPECT_EQ(s.duplicates(), 0u);
  EXPECT_EQ(s.reordered(), 0u);
}

TEST(StreamCheck, CountsWhatIsMissingInTheMiddleAndAtTheEnd) {
  const stream_check s = after({0, 3, 4});
  EXPECT_EQ(s.missing_below(5), 2u);
  EXPECT_EQ(s.missing_below(8), 5u);
  EXPECT_EQ(s.missing_below(2), 1u);
  EXPECT_EQ(s.reordered(), 0u);
}

TEST(StreamCheck, CountsEveryRepetition) {
  const stream_check s = after({0, 1, 1, 2, 0, 0});
  EXPECT_EQ(s.duplicates(), 3u);
  EXPECT_EQ(s.missing_below(3), 0u);
  EXPECT_EQ(s.reordered(), 0u);
}

TEST(StreamCheck, ALateMessageIsReorderedAndNotMissing) {
  const stream_check s = after({0, 2, 1, 3});
  EXPECT_EQ(s.reordered(), 1u);
  EXPECT_EQ(s.missing_below(4), 0u);
  EXPECT_EQ(s.duplicates(), 0u);
}

TEST(StreamCheck, TellsWhetherAMessageCameForTheFirstTime) {
  stream_check s;
  EXPECT_TRUE(s.got(0));
  EXPECT_FALSE(s.got(0));
  EXPECT_TRUE(s.got(5));
  EXPECT_TRUE(s.got(3));
  EXPECT_FALSE(s.got(3));
  EXPECT_TRUE(s.has(3));
  EXPECT_FALSE(s.has(4));
  EXPECT_FALSE(s.has(6));
}

TEST(StreamCheck, AgreesWithASetOnRandomStreams) {
  for (const uint64_t seed : {11u, 12u, 13u, 14u}) {
    std::mt19937_64 random(seed);
    std::vector<uint64_t> order(2'000);
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), random);
    order.resize(1'500);  // the rest is lost
    stream_check s;
    std::set<uint64_t> seen;
    uint64_t duplicates = 0, late = 0, highest = 0;
    for (size_t i = 0; i < order.size(); ++i) {
      const uint64_t n = i % 10 == 9 ? order[i / 2] : order[i];
      const bool first = seen.insert(n).second;
      duplicates += !first;
      late += first && n < highest;
      highest = std::max(highest, n);
      EXPECT_EQ(s.got(n), first);
    }
    EXPECT_EQ(s.missing_below(2'000), 2'000 - seen.size()) << "seed " << seed;
    EXPECT_EQ(s.duplicates(), duplicates) << "seed " << seed;
    EXPECT_EQ(s.reordered(), late) << "seed " << seed;
  }
}

TEST(SeenSet, CountsMissingAndRepeated) {
  seen_set s;
  for (const uint64_t n : {5u, 0u, 200u, 5u}) s.got(n);
  EXPECT_EQ(s.missing_below(6), 4u);
  EXPECT_EQ(s.missing_below(201), 198u);
  EXPECT_EQ(s.missing_below(10'000), 9'997u);
  EXPECT_EQ(s.duplicates(), 1u);
  EXPECT_TRUE(s.has(200));
  EXPECT_FALSE(s.has(100'000));
}

TEST(SeenSet, WhatBothPartsHaveIsADuplicate) {
  seen_set a, b;
  for (uint64_t n = 0; n < 100; ++n) a.got(n);
  for (uint64_t n = 90; n < 300; ++n) b.got(n);
  a.merge(b);
  EXPECT_EQ(a.missing_below(300), 0u);
  EXPECT_EQ(a.duplicates(), 10u);
}

}  // namespace
}  // namespace dunlin::load
