#include "broker/core/ring.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>

#include "tests/fakes/random.hpp"

namespace dunlin::core {
namespace {

TEST(Ring, KeepsOrderOverGrowthAndWrap) {
  ring<int> q;
  int in = 0, out = 0;
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < 7; ++i) q.push_back(in++);
    for (int i = 0; i < 5; ++i) {
      ASSERT_EQ(q.front(), out++);
      q.pop_front();
    }
  }
  ASSERT_EQ(q.size(), static_cast<size_t>(in - out));
  for (size_t i = 0; i < q.size(); ++i) EXPECT_EQ(q[i], out + static_cast<int>(i));
  EXPECT_EQ(q.back(), in - 1);
}

TEST(Ring, EndsEveryElementOnce) {
  auto alive = std::make_shared<int>(0);
  {
    ring<std::shared_ptr<int>> q;
    for (int i = 0; i < 100; ++i) q.push_back(alive);
    for (int i = 0; i < 30; ++i) q.pop_front();
    for (int i = 0; i < 10; ++i) q.push_back(alive);
    EXPECT_EQ(alive.use_count(), 1 + 80);
    q.clear();
    EXPECT_EQ(alive.use_count(), 1);
    EXPECT_TRUE(q.empty());
    for (int i = 0; i < 3; ++i) q.push_back(alive);
  }
  EXPECT_EQ(alive.use_count(), 1);
}

TEST(Ring, DoesAsADequeDoes) {
  fakes::seeded_random random;
  SCOPED_TRACE(random.name());
  ring<std::string> q;
  std::deque<std::string> model;
  for (int i = 0; i < 20'000; ++i) {
    const bool growing = (i / 1000) % 2 == 0;
    if (random.below(10) < (growing ? 7u : 3u)) {
      q.push_back("a text that is not short " + std::to_string(i));
      model.push_back("a text that is not short " + std::to_string(i));
    } else if (!model.empty()) {
      ASSERT_EQ(q.front(), model.front());
      q.pop_front();
      model.pop_front();
    }
    if (random.one_in(5000)) q.clear(), model.clear();
    ASSERT_EQ(q.size(), model.size());
    if (!model.empty()) {
      const size_t at = random.below(model.size());
      ASSERT_EQ(q[at], model[at]);
      ASSERT_EQ(q.back(), model.back());
    }
  }
}

}  // namespace
}  // namespace dunlin::core
