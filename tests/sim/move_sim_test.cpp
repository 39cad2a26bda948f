// Sessions, shards and registries move to another reactor when the node uses more or fewer of them:
// no client notices.
#include <string>

#include "broker/operate/lag.hpp"
#include "tests/sim/sim_test.hpp"

namespace dunlin::sim {
namespace {

class MoveSim : public SimTest {
 protected:
  uint64_t moved() {
    return world_->total([](const metrics::counters& c) -> auto& { return c.moved; });
  }
  std::string topic_of_shard(size_t shard) {
    for (int n = 0;; ++n)
      if (std::string t = "t" + std::to_string(n); world_->dir().shard_of(t) == shard) return t;
  }
  static size_t at(client& c) { return c.connection().reactor().index(); }
};

TEST_F(MoveSim, ASessionTakesItsConnectionAlongAndEverythingGoesOn) {
  world& w = start({}, 2);
  client &a = ready("a", {}, v5, 0), &b = ready("b", {}, v5, 1);
  subscribe(b, "t/#", 2);
  w.use_reactors(1);
  for (int i = 0; i < 4; ++i) a.publish("t/x", std::to_string(i), 1);
  w.run();
  EXPECT_EQ(b.payloads(), "0 1 2 3");
  EXPECT_EQ(a.take(), "puback 1; puback 2; puback 3; puback 4");
  EXPECT_EQ(at(a), 0u);
  EXPECT_EQ(at(b), 0u);
  // It reads and writes there: nothing comes from the old reactor any more.
  b.ping();
  b.publish("t/y", "own", 2);
  w.turn(0);
  w.turn(0);
  b.poll();
  EXPECT_EQ(b.take_packets().size(), 3u) << "PINGRESP, PUBREC, its own PUBLISH";
  w.run();
}

TEST_F(MoveSim, SomeComeBackWhenMoreAreUsed) {
  world& w = start({}, 4);
  w.use_reactors(1);
  std::vector<client*> all;
  for (int i = 0; i < 64; ++i) all.push_back(&ready("c" + std::to_string(i)));
  for (auto* c : all) subscribe(*c, "all", 1);
  w.use_reactors(4);
  client& p = ready("p");
  for (int round = 0; round < 4; ++round) {
    p.publish("all", std::to_string(round), 1);
    w.run();
  }
  std::vector<int> on(4);
  for (auto* c : all) {
    EXPECT_EQ(c->payloads(), "0 1 2 3");
    ++on[at(*c)];
  }
  for (int n : on) EXPECT_GT(n, 6);
  EXPECT_GT(moved(), 40u) << "shards and registries too";
}

TEST_F(MoveSim, ATurnMovesABoundedNumber) {
  options limits;
  limits.receivers_at_once_max = 1000;
  world& w = start(limits, 2);
  for (int i = 0; i < 300; ++i) subscribe(ready("c" + std::to_string(i), {}, v5, 1), "all");
  client& p = ready("p");
  w.run();
  w.use_reactors(1);
  p.publish("all", "x");
  uint64_t before = moved();
  size_t turns = 0;
  for (; moved() < 300 && turns < 100; ++turns) {
    w.turn(0);
    w.turn(1);
    EXPECT_LE(moved() - before, 2 * net::reactor::moves_per_turn);
    before = moved();
    if (turns % 3 == 2) p.publish("all", "x");
  }
  EXPECT_GE(moved(), 300u);
  EXPECT_GE(turns, 300 / net::reactor::moves_per_turn);
  w.run();
}

TEST_F(MoveSim, KeepAliveGoesOnAtTheNewHome) {
  world& w = start({}, 2);
  client& c = ready("c", {.keep_alive_s = 10}, v5, 1);
  subscribe(c, "t");
  w.advance(8000);
  w.use_reactors(1);
  w.publish_from_node("t", "moves it");
  EXPECT_EQ(at(c), 0u);
  c.take();
  w.advance(6000);
  EXPECT_TRUE(c.open());
  w.advance(2000);
  EXPECT_EQ(c.take(), "disconnect 8D; closed") << "15 s after its last packet";
}

TEST_F(MoveSim, OutputThatItsClientDoesNotTakeGoesAlong) {
  world& w = start({}, 2);
  client &c = ready("c", {}, v5, 1), &p = ready("p");
  subscribe(c, "t", 0);
  c.connection().block();
  p.publish("t", "before");
  w.run();
  w.use_reactors(1);
  p.publish("t", "moves it");
  w.run();
  ASSERT_EQ(at(c), 0u);
  p.publish("t", "after");
  w.run();
  EXPECT_EQ(c.payloads(), "");
  c.connection().unblock();
  w.run();
  EXPECT_EQ(c.payloads(), "before moves it after");
}

TEST_F(MoveSim, WhatIsToBeWrittenAtTheEndOfTheTurnGoesAlong) {
  world& w = start({}, 2);
  client &c = ready("c", {}, v5, 1), &p = ready("p");
  const std::string topic = topic_of_shard(0);
  subscribe(c, topic, 0);
  p.publish(topic, "x");
  w.turn(0);  // on its way to it
  w.use_reactors(1);
  c.ping();  // its answer waits for the flush when it leaves
  w.turn(1);
  EXPECT_EQ(c.connection().peek_output(), "") << "the reactor that it left writes nothing";
  w.run();
  EXPECT_EQ(at(c), 0u);
  EXPECT_EQ(c.take(), "pingresp; " + topic + "=x q0");
}

TEST_F(MoveSim, OneWhosePublishersAreHeldGoesWhenThatIsOver) {
  options limits;
  limits.output_high_bytes = 3000;
  limits.output_low_bytes = 800;
  world& w = start(limits, 2);
  client &c = ready("c", {}, v5, 1), &p = ready("p");
  const std::string topic = topic_of_shard(0);
  subscribe(c, topic, 0);
  c.connection().block();
  p.publish(topic, std::string(4000, 'x'));
  w.run();
  w.use_reactors(1);
  p.publish(topic, "1");
  w.run();
  EXPECT_EQ(at(c), 1u) << "a timer there says when it is slow";
  c.connection().unblock();
  w.run();
  p.publish(topic, "2");
  w.run();
  EXPECT_EQ(at(c), 0u);
  EXPECT_EQ(c.payloads(), std::string(4000, 'x') + " 1 2");
}

TEST_F(MoveSim, HalfAPacketGoesAlong) {
  world& w = start({}, 2);
  client& c = ready("c", {}, v5, 1);
  subscribe(c, "t", 0);
  c.send_bytes(std::string_view("\xC0", 1));
  w.run();
  w.use_reactors(1);
  w.publish_from_node("t", "x");
  ASSERT_EQ(at(c), 0u);
  c.take();
  c.send_bytes(std::string_view("\0", 1));
  w.run();
  EXPECT_EQ(c.take(), "pingresp");
}

TEST_F(MoveSim, AConnectionThatIsLostRightBeforeTheMoveIsSeenLost) {
  world& w = start({}, 2);
  client &c = ready("c", {}, v5, 1), &p = ready("p");
  subscribe(c, "t", 0);
  w.use_reactors(1);
  p.publish("t", "x");
  c.lose();
  w.run();
  EXPECT_FALSE(c.open());
  EXPECT_EQ(w.total([](const metrics::counters& n) -> auto& { return n.connections_lost; }), 1u);
  EXPECT_EQ(w.total([](const metrics::counters& n) -> auto& { return n.sessions; }), 1u);
}

TEST_F(MoveSim, AnOfflineSessionStaysAndGoesOnWhereItsClientComesBack) {
  world& w = start({}, 2);
  client &c = ready("c", persistent(), v5, 1), &p = ready("p");
  subscribe(c, "t", 1);
  c.lose();
  w.run();
  w.use_reactors(1);
  p.publish("t", "queued", 1);
  w.run();
  w.connect(c, persistent(), 0);
  EXPECT_EQ(c.payloads(), "queued");
  EXPECT_EQ(at(c), 0u);
}

TEST_F(MoveSim, ATakeoverFindsASessionThatIsOnItsWay) {
  world& w = start({}, 2);
  client &c = ready("c", persistent(), v5, 1), &p = ready("p");
  subscribe(c, "t", 1);
  w.use_reactors(1);
  p.publish("t", "1", 1);
  w.turn(0);
  w.turn(1);  // it leaves; before it arrives its client connects again
  w.begin_connect(c, persistent(), 0);
  w.run();
  p.publish("t", "2", 1);
  w.run();
  EXPECT_TRUE(c.open());
  EXPECT_EQ(at(c), 0u);
  const std::string got = c.payloads();
  EXPECT_TRUE(got == "1 2" || got == "1 1 2") << got;
}

TEST_F(MoveSim, DelayedMessagesOfAShardThatMovedComeInTime) {
  world& w = start({}, 2);
  client &s = ready("s"), &p = ready("p");
  for (const char* topic : {"a/x", "b/x", "c/x", "d/x"}) {
    subscribe(s, topic, 0);
    p.publish(std::string("$delayed/10/") + topic, topic, 1);
  }
  w.run();
  const auto bytes = [](const metrics::counters& c) -> auto& { return c.delayed_bytes; };
  const uint64_t held = w.total(bytes);
  w.use_reactors(1);
  for (const char* topic : {"a/x", "b/x", "c/x", "d/x"}) p.publish(topic, "", 0);
  w.run();
  EXPECT_EQ(w.total(bytes), held);
  s.take();
  w.advance(9000);
  EXPECT_EQ(s.payloads(), "");
  w.advance(1100);
  std::string got = s.payloads();
  for (const char* topic : {"a/x", "b/x", "c/x", "d/x"})
    EXPECT_NE(got.find(topic), std::string::npos) << topic << " in " << got;
  EXPECT_EQ(w.total(bytes), 0u);
}

TEST_F(MoveSim, AShardThatMovedGivesUpARuleThatNeverAnswers) {
  world& w = start({}, 2);
  auto& rule = w.bind_rule_to("up");
  rule.how = fake_rule::mode::hold;
  client& p = ready("p");
  // Both in the shard that moves.
  std::string topic = "up/a", other = "b";
  while (w.dir().shard_of(topic) == 0) topic += 'a';
  while (w.dir().shard_of(other) == 0) other += 'b';
  const size_t armed = w.reactor(1).timers().armed();
  p.publish(topic, "1", 1);
  w.run();
  ASSERT_EQ(rule.held.size(), 1u);
  ASSERT_EQ(w.reactor(1).timers().armed(), armed + 1);
  w.use_reactors(1);
  p.publish(other, "2", 1);
  w.run();
  ASSERT_GT(moved(), 0u);
  EXPECT_EQ(w.reactor(1).timers().armed(), armed);
  w.advance(59'000);
  EXPECT_EQ(p.take(), "");
  w.advance(2'000);
  EXPECT_EQ(p.take(), "puback 1 97; puback 2 10");
  EXPECT_EQ(w.check_identity(), "");
}

TEST_F(MoveSim, RetainedMessagesThatAreOnTheirWayAllCome) {
  options limits;
  limits.output_low_bytes = 200;
  world& w = start(limits, 2);
  client& p = ready("p");
  constexpr int messages = 12'000;
  for (int i = 0; i < messages; ++i) p.publish("r/" + std::to_string(i), "x", 0, true);
  w.run();
  client& s = ready("s", {}, v5, 1);
  s.subscribe("r/#", 1);
  size_t got = 0;
  for (int turn = 0; turn < 5000 && got < messages; ++turn) {
    if (turn % 2 == 0) w.use_reactors(1 + static_cast<size_t>(turn / 2 % 2));
    w.turn(0);
    w.turn(1);
    s.poll();
    for (const auto& r : s.take_packets()) got += r.type == mqtt::packet_type::publish;
  }
  EXPECT_EQ(got, messages);
  EXPECT_GT(moved(), 20u);
}

TEST_F(MoveSim, WhoIsBehindIsFoundAtTheNewHome) {
  world& w = start({}, 2);
  client &c = ready("c", {.receive_max = 1}, v5, 1), &p = ready("p");
  c.auto_ack = false;
  subscribe(c, "t", 1);
  for (int i = 0; i < 3; ++i) p.publish("t", "x", 1);
  w.run();
  const auto worst = [&] {
    return operate::lag_board::of_this_thread()->worst(operate::rank::messages, 5, w.now_ms());
  };
  ASSERT_EQ(worst().size(), 1u);
  w.use_reactors(1);
  p.publish("t", "x", 1);
  w.run();
  ASSERT_EQ(at(c), 0u);
  ASSERT_EQ(worst().size(), 1u);
  EXPECT_EQ(worst()[0].queued_messages, 3u);
  EXPECT_GT(worst()[0].behind_ms + 1, 0u);
}

}  // namespace
}  // namespace dunlin::sim
