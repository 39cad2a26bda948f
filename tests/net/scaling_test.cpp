// How many reactors are in use: the decision, where things belong then, and what Linux tells.
#include "broker/net/scaling.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "broker/net/cpu_times.hpp"
#include "broker/net/placement.hpp"

namespace dunlin::net {
namespace {

// -- scaling --------------------------------------------------------------------

class Scaling : public ::testing::Test {
 protected:
  using use = scaling::use;

  // Looks with every reactor in use at this; the answer.
  uint32_t look(use each, std::optional<double> free_cores = {}, uint32_t looks = 1) {
    for (; looks > 0; --looks) {
      const double packets =
          packets_per_s_ > 0 ? packets_per_s_ : packets_per_core_ * each.ran * of_.in_use();
      scaling::measured m{std::vector<use>(8), packets, free_cores};
      for (uint32_t i = 0; i < of_.in_use(); ++i) m.reactors[i] = each;
      of_.look(m, least_, now_ms_ += scaling::look_ms);
    }
    return of_.in_use();
  }
  // Until one more, or twice as many, come into use.
  uint32_t grow(double free_cores = 9.0) { return look(full, free_cores, scaling::busy_looks); }

  static constexpr use idle{0.02, 0}, half{0.5, 0.01}, full{0.98, 0.02}, crowded{0.6, 0.35};
  static constexpr uint32_t ten_s = scaling::little_for_ms / scaling::look_ms;

  scaling of_{8};
  uint64_t now_ms_ = 1'000'000;
  uint32_t least_ = 1;
  double packets_per_core_ = 100'000;
  double packets_per_s_ = 0;  // where it is set, whatever the processor time
};

TEST_F(Scaling, OneIsInUseUntilItIsBusyForTwoSecondsAndACoreIsFree) {
  EXPECT_EQ(of_.in_use(), 1u);
  EXPECT_EQ(look(half, 6.0, 100), 1u) << "not busy";
  EXPECT_EQ(look(full, 0.5, 100), 1u) << "no core is free";
  EXPECT_EQ(look(full, {}, 100), 1u) << "nobody knows whether one is";
  EXPECT_EQ(look(half, 9.0), 1u);
  EXPECT_EQ(look(full, 9.0, scaling::busy_looks - 1), 1u);
  EXPECT_EQ(look(half, 9.0), 1u) << "a short burst";
  EXPECT_EQ(look(full, 0.6, scaling::busy_looks - 1), 1u);
  EXPECT_EQ(look(full, 0.6), 2u);
}

TEST_F(Scaling, AsManyComeIntoUseAsThereAreCoresFreeButTwiceAsManyAtMost) {
  EXPECT_EQ(grow(7.0), 2u);
  EXPECT_EQ(grow(6.0), 4u);
  EXPECT_EQ(grow(1.5), 5u) << "one and a half";
  EXPECT_EQ(grow(9.0), 8u) << "there are no more reactors";
  EXPECT_EQ(grow(9.0), 8u);
}

TEST_F(Scaling, FreeCoresAreAskedForByABusyNodeThatHasMoreReactors) {
  std::vector<use> reactors(8);
  EXPECT_FALSE(of_.wants_more(reactors));
  reactors[1] = full;
  EXPECT_FALSE(of_.wants_more(reactors)) << "that one is not in use";
  reactors[0] = full;
  EXPECT_TRUE(of_.wants_more(reactors));
  grow(), grow(), grow();
  EXPECT_FALSE(of_.wants_more(reactors)) << "all are";
}

TEST_F(Scaling, OneGoesWhenReactorsWaitForCores) {
  grow(), grow();
  ASSERT_EQ(of_.in_use(), 4u);
  EXPECT_EQ(look(crowded), 4u) << "it may pass";
  EXPECT_EQ(look(full), 4u);
  EXPECT_EQ(look(crowded), 4u) << "it did";
  EXPECT_EQ(look(crowded), 3u);
  EXPECT_EQ(look(crowded), 3u) << "three have to show it themselves";
  EXPECT_EQ(look(crowded), 2u);
  EXPECT_EQ(look(crowded, {}, 20), 1u) << "one stays";
}

TEST_F(Scaling, WaitingOfReactorsThatHaveLittleToDoIsNoShortage) {
  grow();
  ASSERT_EQ(of_.in_use(), 2u);
  EXPECT_EQ(look({0.05, 0.1}, {}, 4), 2u);
}

TEST_F(Scaling, ThoseThatCameGoWhenTheNodeDoesLessWithAsMuchProcessorTime) {
  packets_per_s_ = 100'000;
  grow();
  packets_per_s_ = 80'000;
  EXPECT_EQ(look(half, {}, scaling::trial_looks - 1), 2u);
  EXPECT_EQ(look(half), 1u) << "80 % of the packets with 102 % of the time";
  packets_per_s_ = 100'000;
  EXPECT_EQ(look(full, 9.0, 10'000 / scaling::look_ms - 1), 1u) << "not so soon again";
  EXPECT_EQ(look(full, 9.0), 2u);
}

TEST_F(Scaling, TheFirstLookAfterAChangeDoesNotCount) {
  packets_per_s_ = 100'000;
  grow();
  packets_per_s_ = 10'000;
  look(half);
  packets_per_s_ = 95'000;
  EXPECT_EQ(look(half, {}, 2 * scaling::trial_looks), 2u);
}

TEST_F(Scaling, ThoseThatCameStayWhenTheyAreOfUseOrTheLoadFell) {
  packets_per_s_ = 100'000;
  grow();
  packets_per_s_ = 150'000;
  EXPECT_EQ(look(full, {}, scaling::trial_looks), 2u) << "of use";
  packets_per_s_ = 85'000;
  EXPECT_EQ(look(half, {}, 3 * scaling::trial_looks), 2u) << "the trial is over";
  packets_per_s_ = 170'000;
  grow();
  ASSERT_EQ(of_.in_use(), 4u);
  packets_per_s_ = 68'000;
  EXPECT_EQ(look({0.2, 0}, {}, 2 * scaling::trial_looks), 4u)
      << "40 % of the packets with 40 % of the time";
}

TEST_F(Scaling, AllThatCameTogetherGoTogether) {
  grow(), grow(), grow();
  ASSERT_EQ(of_.in_use(), 8u);
  packets_per_s_ = 50'000;
  EXPECT_EQ(look(full, {}, scaling::trial_looks), 4u);
}

TEST_F(Scaling, AfterAShortageTheNextTryWaitsLongerEachTime) {
  constexpr uint64_t look_ms = scaling::look_ms;
  grow();
  for (const uint64_t pause_ms :
       {10'000u, 20'000u, 40'000u, 80'000u, 160'000u, 320'000u, 320'000u}) {
    ASSERT_EQ(look(crowded, {}, 2), 1u);
    EXPECT_EQ(look(full, 9.0, static_cast<uint32_t>(pause_ms / look_ms) - 1), 1u) << pause_ms;
    ASSERT_EQ(look(full, 9.0), 2u);
  }
  EXPECT_EQ(look(full, {}, scaling::lasting_ms / look_ms), 2u) << "it was good for a minute";
  ASSERT_EQ(look(crowded, {}, 2), 1u);
  EXPECT_EQ(look(full, 9.0, 10'000 / look_ms - 1), 1u);
  EXPECT_EQ(look(full, 9.0), 2u) << "as short as the first time";
}

TEST_F(Scaling, OneGoesWhenTheLoadHasBeenLittleForTenSeconds) {
  grow(), grow();
  ASSERT_EQ(of_.in_use(), 4u);
  EXPECT_EQ(look(half, {}, 2 * ten_s), 4u) << "two cores' work is not little for three";
  EXPECT_EQ(look({0.29, 0}, {}, ten_s - 1), 4u);
  look(half);
  EXPECT_EQ(look({0.29, 0}, {}, ten_s - 1), 4u) << "it begins anew";
  EXPECT_EQ(look({0.29, 0}), 3u);
  EXPECT_EQ(look(idle, {}, ten_s - 1), 3u);
  EXPECT_EQ(look(idle), 2u);
  EXPECT_EQ(look(idle, {}, ten_s), 1u);
  EXPECT_EQ(look(idle, {}, 4 * ten_s), 1u) << "one stays";
}

TEST_F(Scaling, WhileOneIsBusyNoneGoesForLittleLoad) {
  grow(), grow();
  ASSERT_EQ(of_.in_use(), 4u);
  scaling::measured m{std::vector<use>(8, idle), packets_per_core_, {}};
  m.reactors[1] = full;  // a single topic's, say
  for (uint32_t n = 0; n < 3 * ten_s; ++n) of_.look(m, 1, now_ms_ += scaling::look_ms);
  EXPECT_EQ(of_.in_use(), 4u) << "it would come back at once";
}

// What two are good for, subscribing after a restart say, may be done by one better.
TEST_F(Scaling, OneLessIsTriedWhenTheWorkIsOfAnotherKind) {
  for (const double other : {1'000'000.0, 10'000.0, 1'000'000.0}) {
    ASSERT_EQ(grow(), 2u);
    ASSERT_EQ(look(full, {}, scaling::trial_looks), 2u);
    packets_per_core_ = other;
    EXPECT_EQ(look(half, {}, scaling::other_looks - 1), 2u) << "it may pass";
    EXPECT_EQ(look(half), 1u);
    EXPECT_EQ(look(full, 9.0, scaling::trial_looks), 1u) << "it does as much";
    EXPECT_EQ(look(full, 9.0, scaling::wait_ms / scaling::look_ms - 1), 1u) << "not so soon again";
    now_ms_ += scaling::lasting_ms;
  }
}

TEST_F(Scaling, OneLessIsTriedWhenTheWorkChangedWhileTwoWereOnTrial) {
  grow();
  packets_per_core_ = 1'000'000;
  EXPECT_EQ(look(half, {}, scaling::trial_looks), 2u) << "they seem to be of use";
  EXPECT_EQ(look(half, {}, scaling::other_looks), 1u);
}

TEST_F(Scaling, OneLessThatDoesLessIsTriedSeldom) {
  grow();
  ASSERT_EQ(look(full, {}, scaling::trial_looks), 2u);
  packets_per_core_ *= 2;
  ASSERT_EQ(look(full, {}, scaling::other_looks - 1), 2u);
  for (const uint64_t pause_ms :
       {10'000u, 20'000u, 40'000u, 80'000u, 160'000u, 320'000u, 320'000u}) {
    ASSERT_EQ(look(full), 1u);
    ASSERT_EQ(look(full, {}, scaling::trial_looks), 2u) << "one does half of what two do";
    packets_per_core_ *= 2;
    EXPECT_EQ(look(full, {}, static_cast<uint32_t>(pause_ms / scaling::look_ms) - 1), 2u)
        << pause_ms;
  }
}

TEST_F(Scaling, WorkOfMuchTheSameKindIsNoReason) {
  grow();
  ASSERT_EQ(look(full, {}, scaling::trial_looks), 2u);
  for (const double same : {145'000.0, 70'000.0}) {
    packets_per_core_ = same;
    EXPECT_EQ(look(full, {}, 20), 2u) << same;
  }
  packets_per_core_ = 1'000'000;
  EXPECT_EQ(look({0.1, 0}, {}, scaling::other_looks), 2u)
      << "shares of hardly anything say nothing";
  least_ = 2;
  EXPECT_EQ(look(full, {}, 20), 2u) << "fewer are not wanted";
}

TEST_F(Scaling, TheLeastAreInUseWhateverTheLoadIs) {
  least_ = 3;
  EXPECT_EQ(look(idle), 3u);
  EXPECT_EQ(look(idle, {}, 2 * ten_s), 3u);
  EXPECT_EQ(look(crowded, {}, 20), 3u);
  least_ = 100;
  EXPECT_EQ(look(idle), 8u);
  least_ = 1;
  EXPECT_EQ(look(half), 8u) << "no reason to change anything";
}

// -- placement ------------------------------------------------------------------

constexpr uint64_t keys = 60'000;

std::vector<uint32_t> where(const placement& p, std::vector<uint32_t> before) {
  for (uint64_t key = 0; key < keys; ++key) before[key] = p.of_many(key, before[key]);
  return before;
}
std::vector<int> spread(const std::vector<uint32_t>& at, uint32_t reactors) {
  std::vector<int> n(reactors);
  for (uint32_t r : at) ++n.at(r);
  return n;
}

TEST(Placement, EveryChangeSpreadsEvenlyAndMovesNoMoreThanItMust) {
  placement p;
  std::vector<uint32_t> at(keys, 0);
  uint32_t in_use = 1;
  p.set(1);
  for (uint32_t next : {2u, 4u, 8u, 7u, 6u, 5u, 3u, 2u, 1u, 3u}) {
    p.set(next);
    const auto now = where(p, at);
    EXPECT_EQ(where(p, now), now) << "once is enough";
    size_t moved = 0;
    for (uint64_t key = 0; key < keys; ++key) moved += now[key] != at[key];
    const double must =
        next > in_use ? double(next - in_use) / next : double(in_use - next) / in_use;
    EXPECT_NEAR(static_cast<double>(moved) / keys, must, 0.02) << in_use << " to " << next;
    for (int n : spread(now, next)) EXPECT_NEAR(n, keys / next, keys / next * 0.05);
    at = now;
    in_use = next;
  }
}

TEST(Placement, WhoIsWhereItMayBeStaysThere) {
  placement p;
  p.set(2);
  p.set(2);
  for (uint64_t key = 0; key < 100; ++key) EXPECT_EQ(p.of_many(key, key % 2), key % 2);
}

TEST(Placement, WhatThereIsForEachReactorGoesRoundThoseInUse) {
  placement p;
  p.set(3);
  std::string at;
  for (uint32_t n = 0; n < 8; ++n) at += std::to_string(p.of_each(n));
  EXPECT_EQ(at, "01201201");
}

TEST(Placement, EverySetIsAnotherVersion) {
  placement p;
  EXPECT_EQ(p.version(), 0u);
  EXPECT_EQ(p.in_use(), 1u);
  p.set(4);
  EXPECT_EQ(p.version(), 1u);
  EXPECT_EQ(p.in_use(), 4u);
  p.set(4);
  EXPECT_EQ(p.version(), 2u);
}

// -- what Linux tells -------------------------------------------------------------

TEST(CpuTimes, OfAThread) {
  const auto t = parse_schedstat("9120394 8123 77\n");
  ASSERT_TRUE(t);
  EXPECT_EQ(t->ran_ns, 9120394u);
  EXPECT_EQ(t->waited_ns, 8123u);
  EXPECT_FALSE(parse_schedstat(""));
  EXPECT_FALSE(parse_schedstat("12"));
  EXPECT_FALSE(parse_schedstat("x 1 2"));
}

TEST(CpuTimes, IdleOfTheCoresThatMayBeUsed) {
  const std::string text =
      "cpu  100 0 100 5000 60 0 0 0 0 0\n"
      "cpu0 50 0 50 1000 20 0 0 0 0 0\n"
      "cpu1 50 0 50 4000 40 0 0 0 0 0\n"
      "intr 12 0 0\nctxt 99\n";
  EXPECT_EQ(parse_idle_ticks(text, {true, true}), 5060u);
  EXPECT_EQ(parse_idle_ticks(text, {false, true}), 4040u);
  EXPECT_EQ(parse_idle_ticks(text, {true}), 1020u);
  EXPECT_FALSE(parse_idle_ticks(text, {false, false}));
  EXPECT_FALSE(parse_idle_ticks("", {true}));
  EXPECT_FALSE(parse_idle_ticks("cpu0 1 2 3\n", {true})) << "cut off";
}

TEST(CpuTimes, ThisMachineTellsThem) {
  const thread_clock clock;
  const auto before = clock.read();
  if (!before) GTEST_SKIP() << "a kernel without scheduler statistics";
  const auto idle_before = idle_ns();
  ASSERT_TRUE(idle_before);
  volatile uint64_t n = 0;
  while (clock.read()->ran_ns < before->ran_ns + 20'000'000) n = n + 1;
  EXPECT_GE(clock.read()->waited_ns, before->waited_ns);
  EXPECT_GE(*idle_ns(), *idle_before);
}

}  // namespace
}  // namespace dunlin::net
