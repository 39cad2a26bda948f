// Settings that change while sessions and connections are there.
#include <string>

#include "tests/sim/sim_test.hpp"

namespace dunlin::sim {
namespace {

class ReloadSim : public SimTest {
 protected:
  static void put(world& w, const std::function<void(options&)>& change) {
    settings s = w.dir().now();
    change(s.limits);
    w.dir().put(std::move(s));
  }
};

TEST_F(ReloadSim, TheQueueOfASessionThatIsThereFollows) {
  world& w = start();
  client& s = ready("s", persistent());
  s.subscribe("t", 1);
  w.run();
  s.lose();
  w.run();
  client& p = ready("p");
  for (int i = 0; i < 4; ++i) p.publish("t", std::to_string(i), 1);
  w.run();
  put(w, [](options& o) { o.queue_messages_max = 2; });
  p.publish("t", "refused", 1);
  w.run();
  EXPECT_EQ(w.dropped(metrics::drop_reason::queue_full), 1u);
  put(w, [](options& o) { o.queue_messages_max = 5; });
  p.publish("t", "4", 1);
  w.run();
  w.connect(s, persistent());
  EXPECT_EQ(s.payloads(), "0 1 2 3 4") << "what was queued before the change is kept";
}

TEST_F(ReloadSim, TheRetainedLimitFollows) {
  world& w = start();
  client& p = ready("p");
  p.publish("kept", "1", 1, true);
  w.run();
  put(w, [](options& o) { o.retained_messages_max = 1; });
  p.publish("refused", "2", 1, true);
  w.run();
  EXPECT_EQ(w.total([](const metrics::counters& c) -> auto& { return c.retained_refused; }), 1u);
  client& s = ready("s");
  s.subscribe("#");
  w.run();
  EXPECT_EQ(s.payloads(), "1");
}

// A client that was told a receive maximum of 65,535 may use it.
TEST_F(ReloadSim, WhatAClientWasToldHoldsUntilItConnectsAgain) {
  world& w = start();
  auto& rule = w.bind_rule_to("up");
  rule.how = fake_rule::mode::hold;
  client& p = ready("p");
  put(w, [](options& o) {
    o.receive_max = 2;
    o.topic_alias_max = 0;
    o.packet_bytes_max = 200;
    o.retain_available = false;
  });
  for (int i = 0; i < 5; ++i) p.publish("up", std::string(300, 'x'), 1, i == 0);
  w.run();
  EXPECT_TRUE(p.open()) << p.take();
  rule.how = fake_rule::mode::answer;
  while (!rule.held.empty()) {
    rule.release_one();
    w.run();
  }
  p.take();
  w.connect(p);
  EXPECT_NE(p.take(), "");
  p.publish("up", std::string(300, 'x'), 1);
  w.run();
  EXPECT_FALSE(p.open()) << "the new connection is held to the new packet size";
}

TEST_F(ReloadSim, ALimitThatNobodyWasToldIsInForceAtOnce) {
  world& w = start();
  client& p = ready("p");
  put(w, [](options& o) { o.payload_bytes_max = 3; });
  p.publish("t", "four", 1);
  w.run();
  EXPECT_EQ(p.take(), "puback 1 97");
}

}  // namespace
}  // namespace dunlin::sim
