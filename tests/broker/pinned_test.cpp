// Actors on reactors with threads, for the thread sanitizer: what CAF's mailbox hands over is told
// to it.
#include "broker/pinned.hpp"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>

namespace dunlin {
namespace {

using ending_actor = caf::typed_actor<caf::reacts_to<std::string>>;

// Ends with the first message; what else is in its mailbox is thrown away.
class ending : public pinned<ending_actor::base> {
 public:
  explicit ending(caf::actor_config& c) : pinned(c) {}
  behavior_type make_behavior() override {
    return {[this](const std::string&) { quit(); }};
  }
};

TEST(Pinned, AnActorEndsWhileAnotherThreadSendsToIt) {
  caf::actor_system_config config;
  config.set("scheduler.policy", caf::atom("sharing"));
  caf::actor_system system{config};
  const auto home = std::make_unique<net::reactor>(system, 0, [] { return uint64_t{1}; });
  home->start();
  for (int round = 0; round < 2000; ++round) {
    const auto a = spawn_pinned<ending>(system, *home);
    for (int n = 0; n < 50; ++n) caf::anon_send(a, std::string(40, 'x'));
  }
  std::promise<void> done;
  home->post([&] { done.set_value(); });
  done.get_future().get();
  home->stop();
  home->run_until_idle();
  EXPECT_EQ(system.registry().running(), 0u) << "every one has ended";
}

}  // namespace
}  // namespace dunlin
