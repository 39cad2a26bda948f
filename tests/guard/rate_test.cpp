#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "broker/guard/client_rate.hpp"
#include "broker/guard/listener_guard.hpp"
#include "broker/guard/token_bucket.hpp"

namespace dunlin::guard {
namespace {

struct take_row {
  uint64_t at_ms, units, wait_ms;
};
struct bucket_case {
  const char* what;
  rate r;
  std::vector<take_row> takes;
};

const bucket_case bucket_cases[] = {
    {"no rate, no wait", {0, 1000}, {{0, 1'000'000, 0}, {0, 1'000'000, 0}}},
    {"a burst at once, then the rate", {10, 1000}, {{0, 10, 0}, {0, 1, 100}, {0, 1, 200}}},
    {"it fills while nothing comes", {10, 1000}, {{0, 10, 0}, {500, 5, 0}, {500, 1, 100}}},
    {"it holds no more than a burst", {10, 1000}, {{0, 1, 0}, {60'000, 10, 0}, {60'000, 1, 100}}},
    {"one that is larger than the burst is paid for", {10, 1000}, {{0, 100, 9000}, {9000, 1, 100}}},
    {"half a second's burst", {1000, 500}, {{0, 500, 0}, {0, 1, 1}, {0, 99, 100}}},
    {"part of a ms is a whole one", {3, 1000}, {{0, 3, 0}, {0, 1, 334}}},
    {"high rates keep their precision", {1'000'000'000, 1000}, {{0, 1'000'000'000, 0}, {0, 1, 1}}},
    {"more than can be is a long time", {1, 1000}, {{0, ~0ull, 4'294'967'295'000}}},
};

TEST(TokenBucket, TakesAsTheTableSays) {
  for (const auto& c : bucket_cases) {
    token_bucket alone;
    shared_bucket shared;
    for (const auto& t : c.takes) {
      EXPECT_EQ(alone.take(t.units, c.r, t.at_ms), t.wait_ms) << c.what << " at " << t.at_ms;
      EXPECT_EQ(shared.take(t.units, c.r, t.at_ms), t.wait_ms) << c.what << " at " << t.at_ms;
    }
  }
}

TEST(TokenBucket, WhoWaitsAsToldGetsTheRate) {
  token_bucket b;
  const rate r{1000, 200};
  uint64_t taken = 0;
  for (uint64_t now = 0; now < 10'000;) {
    const uint64_t wait = b.take(7, r, now);
    taken += 7;
    now += wait ? wait + 64 : 1;  // timers are a tick late
  }
  EXPECT_NEAR(static_cast<double>(taken), 10'000 + 200, 110);
}

TEST(SharedBucket, RefusesWithoutTaking) {
  shared_bucket b;
  const rate r{10, 1000};
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(b.try_take(1, r, 0));
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(b.try_take(1, r, 0));
  EXPECT_TRUE(b.try_take(1, r, 100));
  EXPECT_FALSE(b.try_take(1, r, 100));
}

TEST(SharedBucket, CountsEveryTakeOfManyThreads) {
  shared_bucket b;
  const rate r{1000, 1000};
  constexpr int threads = 4, takes = 20'000;
  std::vector<std::thread> all;
  for (int t = 0; t < threads; ++t)
    all.emplace_back([&] {
      for (int i = 0; i < takes; ++i) b.take(1, r, 0);
    });
  for (auto& t : all) t.join();
  EXPECT_EQ(b.take(1, r, 0), (threads * takes + 1) - 1000u);
}

TEST(ClientRate, OverItsRateItWaits) {
  client_rate c;
  listener_limits l;
  l.client_messages_per_s = 10;
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(c.packet(true, 50, l, 0));
  EXPECT_FALSE(c.packet(false, 50, l, 0)) << "only PUBLISH counts as a message";
  EXPECT_TRUE(c.packet(true, 50, l, 0));
  const auto v = c.hold(l, 30'000, 0);
  EXPECT_EQ(v.wait_ms, 100u);
  EXPECT_FALSE(v.too_long);
  EXPECT_TRUE(v.by_messages);
}

TEST(ClientRate, BytesOfEveryPacketCount) {
  client_rate c;
  listener_limits l;
  l.client_bytes_per_s = 1000;
  EXPECT_FALSE(c.packet(true, 600, l, 0));
  EXPECT_TRUE(c.packet(false, 600, l, 0));
  const auto v = c.hold(l, 30'000, 0);
  EXPECT_EQ(v.wait_ms, 200u);
  EXPECT_FALSE(v.by_messages);
}

// Sends whenever it may, until it is cut or the time is over.
uint64_t cut_at(uint64_t pause_every_ms, uint64_t until_ms) {
  client_rate c;
  listener_limits l;
  l.client_messages_per_s = 100;
  uint64_t paused = 0;
  for (uint64_t now = 0; now < until_ms;) {
    if (pause_every_ms && now - paused >= pause_every_ms) {
      now += 2 * l.burst_ms + 100;
      paused = now;
    }
    if (!c.packet(true, 50, l, now)) continue;
    const auto v = c.hold(l, 5000, now);
    if (v.too_long) return now;
    now += v.wait_ms;
  }
  return 0;
}

TEST(ClientRate, IsTooLongOverAfterThePatience) {
  const uint64_t at = cut_at(0, 60'000);
  EXPECT_GE(at, 5000u);
  EXPECT_LE(at, 5100u);
}

TEST(ClientRate, APauseOfTwoBurstsIsForgiven) { EXPECT_EQ(cut_at(3000, 60'000), 0u); }

TEST(ClientRate, ADebtThatCannotBePaidInTimeIsTooLongAtOnce) {
  client_rate c;
  listener_limits l;
  l.client_bytes_per_s = 1000;
  EXPECT_TRUE(c.packet(true, 100'000, l, 0));
  EXPECT_TRUE(c.hold(l, 5000, 0).too_long);
}

TEST(ListenerGuard, AllItsClientsShareARate) {
  listener_guard g("tcp");
  listener_limits l;
  l.messages_per_s = 10;
  l.bytes_per_s = 1'000'000;
  EXPECT_EQ(g.take_packet(true, 1'000, 0), 0u) << "no limits before they are set";
  g.set_limits(l);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(g.take_packet(true, 10, 0), 0u);
  EXPECT_EQ(g.take_packet(false, 10, 0), 0u);
  EXPECT_EQ(g.take_packet(true, 10, 0), 100u);
  EXPECT_EQ(g.take_packet(true, 10, 0), 200u);
}

}  // namespace
}  // namespace dunlin::guard
