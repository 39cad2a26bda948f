// The broker against the model: every delivery of random operations is predicted. DUNLIN_SEED and
// MODEL_STEPS choose a run of one's own.
#include <gtest/gtest.h>

#include "tests/model/driver.hpp"

namespace dunlin::model {
namespace {

size_t steps() {
  const char* given = std::getenv("MODEL_STEPS");
  return given ? std::strtoull(given, nullptr, 10) : 10'000;
}

TEST(Model, MatchesAsTheSpecificationSays) {
  EXPECT_TRUE(matches("sport/tennis/player1/#", "sport/tennis/player1"));
  EXPECT_TRUE(matches("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon"));
  EXPECT_TRUE(matches("+/+", "/finance"));
  EXPECT_TRUE(matches("/+", "/finance"));
  EXPECT_FALSE(matches("+", "/finance"));
  EXPECT_FALSE(matches("sport/tennis/+", "sport/tennis/player1/ranking"));
  EXPECT_FALSE(matches("sport/+", "sport"));
  EXPECT_TRUE(matches("sport/+", "sport/"));
  EXPECT_FALSE(matches("#", "$SYS/x"));
  EXPECT_FALSE(matches("+/monitor/Clients", "$SYS/monitor/Clients"));
  EXPECT_TRUE(matches("$SYS/#", "$SYS/x"));
}

class ModelRun : public ::testing::TestWithParam<uint64_t> {};

TEST_P(ModelRun, EveryDeliveryIsPredicted) {
  driver d(GetParam());
  const std::string fault = d.run(steps());
  if (!fault.empty()) FAIL() << fault;
  EXPECT_GT(d.copies_compared(), steps() / 2);
}

INSTANTIATE_TEST_SUITE_P(Seeds, ModelRun, ::testing::Values(1, 2, 3, 4, 5, 6));

// Another seed each time; DUNLIN_SEED repeats one.
TEST(Model, AnotherSeed) {
  fakes::seeded_random random;
  const char* given = std::getenv("DUNLIN_SEED");
  const uint64_t seed = given ? std::strtoull(given, nullptr, 10) : random.below(1'000'000'000);
  driver d(seed);
  const std::string fault = d.run(steps());
  if (!fault.empty()) FAIL() << fault;
}

}  // namespace
}  // namespace dunlin::model
