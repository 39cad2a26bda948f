#include "broker/net/timer_wheel.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <map>

#include "tests/fakes/random.hpp"

namespace dunlin::net {
namespace {

constexpr uint64_t tick = timer_wheel::tick_ms;

struct counted : timer {
  int fired = 0;
  uint64_t again_ms = 0;  // sets itself this far ahead; 0: not
  timer* victim = nullptr;
  timer_wheel* wheel = nullptr;
  uint64_t now = 0;

  counted() {
    on_fire = [](timer& t) {
      auto& me = static_cast<counted&>(t);
      ++me.fired;
      if (me.again_ms) me.wheel->set(me, me.now + me.again_ms);
      if (me.victim) me.victim->cancel();
    };
  }
};

TEST(TimerWheel, NeverFiresEarlyAndAtMostOneTickLate) {
  for (uint64_t start : {uint64_t{0}, uint64_t{1}, tick - 1, 1000 * tick + 17})
    for (uint64_t delay = 1; delay < 3 * tick; ++delay) {
      timer_wheel w(start);
      counted t;
      w.set(t, start + delay);
      w.advance(start + delay - 1);
      ASSERT_EQ(t.fired, 0) << "early: start " << start << " delay " << delay;
      w.advance(start + delay + tick);
      ASSERT_EQ(t.fired, 1) << "late: start " << start << " delay " << delay;
    }
}

TEST(TimerWheel, FiresOnceAndIsThenNoLongerArmed) {
  timer_wheel w(0);
  counted t;
  w.set(t, 500);
  EXPECT_TRUE(t.armed());
  w.advance(1000);
  EXPECT_FALSE(t.armed());
  EXPECT_EQ(w.armed(), 0u);
  w.advance(1'000'000);
  EXPECT_EQ(t.fired, 1);
}

TEST(TimerWheel, WhatIsDueAlreadyFiresWithTheNextTick) {
  timer_wheel w(10'000);
  counted t;
  w.set(t, 5'000);
  w.advance(10'000 + tick);
  EXPECT_EQ(t.fired, 1);
}

TEST(TimerWheel, SetAgainMovesIt) {
  timer_wheel w(0);
  counted t;
  w.set(t, 200);
  w.set(t, 2000);
  EXPECT_EQ(w.armed(), 1u);
  w.advance(1900);
  EXPECT_EQ(t.fired, 0);
  w.advance(2000 + tick);
  EXPECT_EQ(t.fired, 1);
}

TEST(TimerWheel, FiresWhatIsManyLapsAway) {
  timer_wheel w(0);
  counted t;
  const uint64_t week = 7ull * 24 * 3600 * 1000;
  w.set(t, week);
  for (uint64_t now = 0; now < week; now += 100'000) w.advance(now);
  EXPECT_EQ(t.fired, 0);
  w.advance(week + tick);
  EXPECT_EQ(t.fired, 1);
}

TEST(TimerWheel, AfterALongPauseFiresAllThatIsDueAndNothingElse) {
  timer_wheel w(0);
  std::deque<counted> due(100), later(100);
  for (size_t i = 0; i < due.size(); ++i) {
    w.set(due[i], 1 + i * 9'000);
    w.set(later[i], 2'000'000 + i * 7'000);
  }
  w.advance(1'000'000);
  for (auto& t : due) EXPECT_EQ(t.fired, 1);
  for (auto& t : later) EXPECT_EQ(t.fired, 0);
  w.advance(4'000'000);
  for (auto& t : later) EXPECT_EQ(t.fired, 1);
}

TEST(TimerWheel, ATimerThatSetsItselfFiresOnceForEachTime) {
  timer_wheel w(0);
  counted t;
  t.wheel = &w;
  t.again_ms = 1000;
  w.set(t, 1000);
  for (t.now = 0; t.now <= 10 * (1000 + tick); t.now += 10) w.advance(t.now);
  EXPECT_GE(t.fired, 10);
  EXPECT_LE(t.fired, 11);
}

TEST(TimerWheel, AFiringTimerMayCancelAnother) {
  timer_wheel w(0);
  counted a, b;
  a.victim = &b;
  b.victim = &a;
  w.set(a, 100);
  w.set(b, 100);
  w.advance(1000);
  EXPECT_EQ(a.fired + b.fired, 1);
  EXPECT_EQ(w.armed(), 0u);
}

TEST(TimerWheel, ATimerThatEndsIsForgotten) {
  timer_wheel w(0);
  counted kept;
  {
    counted gone;
    w.set(kept, 100);
    w.set(gone, 100);
  }
  EXPECT_EQ(w.armed(), 1u);
  w.advance(1000);
  EXPECT_EQ(kept.fired, 1);
}

TEST(TimerWheel, FiresAtMostAsManyAsItIsAsked) {
  timer_wheel w(0);
  std::deque<counted> timers(10);
  for (size_t i = 0; i < timers.size(); ++i) w.set(timers[i], 100 + i / 4 * tick);
  auto fired = [&](size_t from, size_t to) {
    int n = 0;
    for (size_t i = from; i < to; ++i) n += timers[i].fired;
    return n;
  };
  EXPECT_FALSE(w.advance(1000, 4));
  EXPECT_EQ(fired(0, 4), 4) << "those of the earliest tick come first";
  EXPECT_EQ(fired(4, 10), 0);
  EXPECT_EQ(w.armed(), 6u);
  // What waits for its turn can still be cancelled or moved: the first, the last, one between.
  size_t gone = 0;
  for (size_t i : {4, 6, 8}) {
    timers[i].cancel();
    EXPECT_EQ(w.armed(), 6u - ++gone);
  }
  w.set(timers[9], 5000);
  EXPECT_TRUE(w.advance(1000, 4));
  EXPECT_EQ(timers[5].fired + timers[7].fired, 2);
  EXPECT_EQ(fired(0, 10), 6);
  EXPECT_TRUE(w.advance(5000 + tick, 1));
  EXPECT_EQ(timers[9].fired, 1);
  EXPECT_EQ(w.armed(), 0u);
}

TEST(TimerWheel, DoesAsAModelDoes) {
  fakes::seeded_random random;
  SCOPED_TRACE(random.name());
  uint64_t now = random.below(1'000'000);
  timer_wheel w(now);
  std::deque<counted> timers(60);
  std::map<size_t, uint64_t> due;  // armed timers of the model
  auto check = [&] {
    for (size_t i = 0; i < timers.size(); ++i) {
      auto it = due.find(i);
      const bool fired = timers[i].fired > 0;
      timers[i].fired = 0;
      if (it == due.end()) {
        ASSERT_FALSE(fired) << "timer " << i << " was not set";
      } else if (fired) {
        ASSERT_LE(it->second, now) << "timer " << i << " is early";
        due.erase(it);
      } else {
        ASSERT_GT(it->second + tick, now) << "timer " << i << " is late";
      }
    }
    ASSERT_EQ(w.armed(), due.size());
  };
  for (int step = 0; step < 20'000; ++step) {
    const size_t i = random.below(timers.size());
    switch (random.below(4)) {
      case 0:
      case 1: {
        const size_t spans[] = {10, 500, 20'000, 600'000};
        due[i] = now + random.below(spans[random.below(4)]);
        w.set(timers[i], due[i]);
        break;
      }
      case 2:
        timers[i].cancel();
        due.erase(i);
        break;
      default: {
        now += random.one_in(50) ? random.below(500'000) : random.below(300);
        while (!w.advance(now, 1 + random.below(3))) {
          const size_t other = random.below(timers.size());
          if (random.one_in(4) && timers[other].fired == 0) {
            timers[other].cancel();
            due.erase(other);
          }
        }
        check();
        if (HasFatalFailure()) return;
      }
    }
  }
}

}  // namespace
}  // namespace dunlin::net
