// Two threads hand work to a reactor that falls asleep whenever it has none: no wake-up may be
// missed. The one unit test with threads, since that is what it is about; a missed wake-up shows as
// a call that does not come back.
#include <gtest/gtest.h>

#include <caf/all.hpp>

#include <chrono>
#include <future>
#include <memory>
#include <thread>

#include "broker/net/reactor.hpp"

namespace dunlin::net {
namespace {

constexpr int calls = 20'000;
constexpr std::chrono::seconds missed_after{20};

TEST(ReactorWake, NoneOfTwoThreadsCallsIsMissed) {
  caf::actor_system_config config;
  config.set("scheduler.policy", caf::atom("sharing"));
  caf::actor_system system{config};
  // No timer is armed, so that nothing but a wake-up ends the reactor's sleep.
  // On the heap: the stack that the address sanitizer makes of its own is not aligned for it.
  const auto r = std::make_unique<reactor>(system, 0, [] { return uint64_t{1}; });
  r->start();
  auto caller = [&r](int& answered) {
    for (int i = 0; i < calls; ++i) {
      auto done = std::make_shared<std::promise<void>>();
      auto answer = done->get_future();
      r->post([done] { done->set_value(); });
      if (answer.wait_for(missed_after) != std::future_status::ready) return;
      ++answered;
    }
  };
  int one = 0, two = 0;
  std::thread first([&] { caller(one); }), second([&] { caller(two); });
  first.join();
  second.join();
  r->stop();
  EXPECT_EQ(one, calls);
  EXPECT_EQ(two, calls);
}

}  // namespace
}  // namespace dunlin::net
