#include "broker/core/delayed.hpp"

#include <gtest/gtest.h>

#include <string>

#include "tests/core/packets.hpp"
#include "tests/fakes/random.hpp"

namespace dunlin::core {
namespace {

std::string parsed(std::string_view topic) {
  uint32_t s = 0;
  std::string_view rest;
  if (!parse_delayed(topic, &s, &rest)) return "bad";
  return std::to_string(s) + " " + std::string(rest);
}

TEST(Delayed, ATopicNamesItsSecondsAndWhereItGoes) {
  EXPECT_EQ(parsed("$delayed/5/a/b"), "5 a/b");
  EXPECT_EQ(parsed("$delayed/0/a"), "0 a");
  EXPECT_EQ(parsed("$delayed/4294967295/a"), "4294967295 a");
  EXPECT_EQ(parsed("$delayed/1//"), "1 /");
  for (const char* bad : {"$delayed/", "$delayed/5", "$delayed/5/", "$delayed//a", "$delayed/x/a",
                          "$delayed/-1/a", "$delayed/+5/a", "$delayed/5.0/a", "$delayed/ 5/a",
                          "$delayed/4294967296/a", "$delayed/99999999999999999999/a"})
    EXPECT_EQ(parsed(bad), "bad") << bad;
}

TEST(Delayed, GivesInOrderOfTimeAndOfComing) {
  delayed d;
  EXPECT_EQ(d.due_ms(), ~uint64_t{0});
  fakes::seeded_random random;
  SCOPED_TRACE(random.name());
  for (int i = 0; i < 2000; ++i)
    d.add(random.below(50), {make_message("t", std::to_string(100'000 + i)), shared_text("c")});
  EXPECT_EQ(d.messages(), 2000u);
  uint64_t before = 0;
  std::string last;
  for (int i = 0; i < 2000; ++i) {
    const uint64_t due = d.due_ms();
    ASSERT_GE(due, before);
    if (due != before) last.clear();
    const auto e = d.pop();
    ASSERT_GT(e.msg->payload(), last);
    last = e.msg->payload();
    before = due;
  }
  EXPECT_EQ(d.messages(), 0u);
  EXPECT_EQ(d.bytes(), 0u);
}

}  // namespace
}  // namespace dunlin::core
