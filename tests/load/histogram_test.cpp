#include "tests/load/histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace dunlin::load {
namespace {

uint64_t exact(std::vector<uint64_t> values, double p) {
  std::sort(values.begin(), values.end());
  return values[size_t(std::ceil(p * double(values.size()))) - 1];
}

TEST(Histogram, IsEmptyAtFirst) {
  const histogram h;
  EXPECT_EQ(h.count(), 0u);
  EXPECT_EQ(h.percentile(0.5), 0u);
  EXPECT_EQ(h.max(), 0u);
}

TEST(Histogram, IsExactBelowOneOctaveOfBuckets) {
  histogram h;
  for (uint64_t v = 0; v < 128; ++v) h.add(v);
  EXPECT_EQ(h.percentile(0.5), 63u);
  EXPECT_EQ(h.percentile(1.0), 127u);
}

TEST(Histogram, EveryPercentileIsWithinHalfAPercent) {
  for (const uint64_t seed : {1u, 2u, 3u}) {
    std::mt19937_64 random(seed);
    std::lognormal_distribution<double> latency(13, 2);  // about 0.4 ms, with a long tail
    histogram h;
    std::vector<uint64_t> values;
    for (int i = 0; i < 100'000; ++i) {
      values.push_back(uint64_t(latency(random)));
      h.add(values.back());
    }
    for (const double p : {0.001, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0}) {
      const double wanted = double(exact(values, p));
      EXPECT_NEAR(double(h.percentile(p)), wanted, wanted * 0.005 + 1)
          << "seed " << seed << " p " << p;
    }
    EXPECT_EQ(h.max(), *std::max_element(values.begin(), values.end()));
  }
}

TEST(Histogram, TakesTheWholeRange) {
  histogram h;
  h.add(0);
  h.add(UINT64_MAX);
  EXPECT_EQ(h.percentile(0.5), 0u);
  EXPECT_NEAR(double(h.percentile(1.0)), double(UINT64_MAX), double(UINT64_MAX) * 0.005);
  EXPECT_EQ(h.max(), UINT64_MAX);
}

TEST(Histogram, MergedIsAsIfAddedToOne) {
  histogram a, b, both;
  for (uint64_t v = 1; v < 100'000; v += 7) {
    (v % 2 == 0 ? a : b).add(v * v);
    both.add(v * v);
  }
  a.merge(b);
  EXPECT_EQ(a.count(), both.count());
  EXPECT_EQ(a.max(), both.max());
  for (const double p : {0.1, 0.5, 0.99}) EXPECT_EQ(a.percentile(p), both.percentile(p));
}

}  // namespace
}  // namespace dunlin::load
