#include "broker/operate/lag.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace dunlin::operate {
namespace {

struct owner {
  explicit owner(std::string id, uint64_t unsent) : name(std::move(id)), unsent_bytes(unsent) {}
  static slow_subscriber describe(const void* o, uint64_t now) {
    const auto& self = *static_cast<const owner*>(o);
    slow_subscriber s;
    s.client_id = self.name;
    s.unsent_bytes = self.unsent_bytes;
    s.latency_ms = self.behind->latency_ms(now);
    return s;
  }
  std::string name;
  uint64_t unsent_bytes;
  std::unique_ptr<lag> behind = std::make_unique<lag>(this, describe);
};

std::string ids(const std::vector<slow_subscriber>& all) {
  std::string out;
  for (const auto& s : all) out += s.client_id + " ";
  return out;
}

TEST(Lag, TheWorstComeFirstAndWhoIsNotBehindIsLeftOut) {
  const auto board = lag_board::of_this_thread();
  owner a("a", 5), b("b", 50), c("c", 0), d("d", 20);
  EXPECT_EQ(ids(board->worst(rank::bytes, 10, 0)), "b d a ");
  EXPECT_EQ(ids(board->worst(rank::bytes, 2, 0)), "b d ");
  b.behind.reset();
  EXPECT_EQ(ids(board->worst(rank::bytes, 10, 0)), "d a ");
  a.behind.reset();
  EXPECT_EQ(ids(board->worst(rank::bytes, 10, 0)), "d ");
}

TEST(Lag, TheWorstOfManyAreFoundInBoundedMemory) {
  std::vector<std::unique_ptr<owner>> all;
  for (uint64_t i = 0; i < 1000; ++i)
    all.push_back(std::make_unique<owner>("c" + std::to_string(i), 1 + (i * 37) % 1000));
  const auto worst = lag_board::of_this_thread()->worst(rank::bytes, 3, 0);
  ASSERT_EQ(worst.size(), 3u);
  EXPECT_EQ(worst[0].unsent_bytes, 1000u);
  EXPECT_EQ(worst[2].unsent_bytes, 998u);
}

TEST(Lag, LatencyIsSampledFromSendingToAcknowledgement) {
  owner o("o", 1);
  lag& l = *o.behind;
  l.observe(true, 0, 3, 100);  // 0, 1 and 2 are in flight
  EXPECT_EQ(l.latency_ms(150), 50u) << "so far";
  l.observe(true, 2, 3, 160);
  EXPECT_EQ(l.latency_ms(170), 70u) << "the last is still there";
  l.observe(false, 3, 3, 180);
  EXPECT_EQ(l.latency_ms(500), 80u) << "it was acknowledged";
  l.observe(false, 3, 4, 600);
  l.observe(false, 4, 4, 605);
  EXPECT_EQ(l.latency_ms(700), 5u);
}

TEST(Lag, BehindSinceItLastKeptUp) {
  owner o("o", 1);
  EXPECT_EQ(o.behind->behind_ms(10), 0u);
  o.behind->observe(true, 0, 0, 100);
  o.behind->observe(true, 0, 0, 200);
  EXPECT_EQ(o.behind->behind_ms(250), 150u);
  o.behind->observe(false, 0, 0, 260);
  EXPECT_EQ(o.behind->behind_ms(270), 0u);
}

}  // namespace
}  // namespace dunlin::operate
