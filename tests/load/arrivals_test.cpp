#include "tests/load/arrivals.hpp"

#include <gtest/gtest.h>

namespace dunlin::load {
namespace {

TEST(Arrivals, EvenlySpacedUnlessIndependent) {
  EXPECT_EQ(moments(false, 4), (std::vector<double>{0, 1, 2, 3}));
  EXPECT_TRUE(moments(true, 0).empty());
}

TEST(Arrivals, IndependentOnesAreTheSameEveryTimeAndMeet) {
  const auto at = moments(true, 1000);
  EXPECT_EQ(at, moments(true, 1000));
  EXPECT_TRUE(std::is_sorted(at.begin(), at.end()));
  EXPECT_GE(at.front(), 0);
  EXPECT_LT(at.back(), 1000);
  // The gaps of a Poisson process: one in ten is shorter than a tenth of the mean, one in e longer.
  int close = 0, far = 0;
  for (size_t i = 1; i < at.size(); ++i) {
    const double gap = at[i] - at[i - 1];
    close += gap < 0.1;
    far += gap > 1;
  }
  EXPECT_NEAR(close, 95, 40);
  EXPECT_NEAR(far, 368, 60);
}

}  // namespace
}  // namespace dunlin::load
