// What holds publishers back and lets them go on: credit, slow receivers, sessions that end or move
// meanwhile.
#include <set>
#include <string>

#include "tests/sim/sim_test.hpp"

namespace dunlin::sim {
namespace {

using mqtt::packet_type;
using mqtt::reason;

class FlowSim : public SimTest {
 protected:
  // One read for each publish.
  void publish_apart(world& w, client& p, std::string_view topic, int from, int to, uint8_t qos) {
    for (int i = from; i < to; ++i) {
      p.publish(topic, std::to_string(i), qos);
      w.run();
    }
  }
  static std::string numbers(int from, int to) {
    std::string text;
    for (int i = from; i < to; ++i) text += (i > from ? " " : "") + std::to_string(i);
    return text;
  }
  // A client ID whose registry lives on this reactor, and a topic whose shard does.
  static std::string id_on(world& w, size_t reactor) {
    for (int i = 0;; ++i)
      if (const auto id = "id" + std::to_string(i); w.dir().registry_of(id) == reactor) return id;
  }
  static std::string topic_on(world& w, size_t reactor) {
    for (int i = 0;; ++i)
      if (const auto t = "topic" + std::to_string(i); w.dir().shard_of(t) == reactor) return t;
  }
};

TEST_F(FlowSim, APublisherWithoutCreditIsNotRead) {
  world& w = start();
  auto& rule = w.bind_rule_to("up");
  rule.how = fake_rule::mode::hold;
  client& p = ready("p");
  const int credit = static_cast<int>(w.dir().limits().batches_outstanding_max);
  publish_apart(w, p, "up", 0, credit + 3, 1);
  EXPECT_EQ(rule.requests, static_cast<uint32_t>(credit));
  EXPECT_GT(p.connection().unread(), 0u);
  rule.release_one();
  w.run();
  EXPECT_EQ(rule.held.size(), static_cast<size_t>(credit)) << "what waited is one read";
  EXPECT_EQ(p.connection().unread(), 0u);
  while (!rule.held.empty()) {
    rule.release_one();
    w.run();
  }
  EXPECT_EQ(p.take(), "puback 1; puback 2; puback 3; puback 4; puback 5; puback 6; puback 7");
}

TEST_F(FlowSim, CreditIsNotMadeByConnectingAgain) {
  world& w = start();
  auto& rule = w.bind_rule_to("up");
  rule.how = fake_rule::mode::hold;
  client& p = w.make_client("p");
  w.connect(p, persistent());
  publish_apart(w, p, "up", 0, 4, 1);
  for (int round = 0; round < 3; ++round) {
    p.lose();
    w.connect(p, persistent());
    publish_apart(w, p, "up", 10, 14, 1);
  }
  EXPECT_LE(rule.requests, 4u + 3u) << "one read for each connection, at the most";
  rule.how = fake_rule::mode::answer;
  while (!rule.held.empty()) {
    rule.release_one();
    w.run();
  }
  p.take();
  p.publish("up", "last", 1);
  w.run();
  EXPECT_NE(p.take().find("puback"), std::string::npos) << "it is read again";
}

TEST_F(FlowSim, AHeldPublisherIsNotTakenForASilentOne) {
  options limits;
  limits.rule_timeout_ms = 600'000;
  world& w = start(limits);
  auto& rule = w.bind_rule_to("up");
  rule.how = fake_rule::mode::hold;
  client& p = w.make_client("p");
  w.connect(p, {.keep_alive_s = 10});
  publish_apart(w, p, "up", 0, 6, 1);
  p.take();
  for (int i = 0; i < 10; ++i) {
    p.ping();
    w.advance(8'000);
  }
  EXPECT_TRUE(p.open()) << p.take();
  rule.how = fake_rule::mode::answer;
  while (!rule.held.empty()) rule.release_one();
  w.run();
  EXPECT_NE(p.take().find("pingresp"), std::string::npos);
  w.advance(15'200);
  EXPECT_EQ(p.take(), "disconnect 8D; closed");
}

class SlowSubscriber : public FlowSim {
 protected:
  void SetUp() override {
    options limits;
    limits.output_high_bytes = 1000;
    limits.output_low_bytes = 300;
    world& w = start(limits, 2);
    s_ = &ready("s", {}, v5, 1);
    s_->subscribe("t", 1);
    w.run();
    s_->take();
    p_ = &ready("p");
  }
  client* s_ = nullptr;
  client* p_ = nullptr;
};

TEST_F(SlowSubscriber, HoldsItsPublishersForTheGraceAloneThenLosesQoS0) {
  world& w = *world_;
  s_->connection().block();
  const std::string big(400, 'x');
  for (int i = 0; i < 40; ++i) {
    p_->publish("t", big, 0);
    w.run();
  }
  EXPECT_GT(p_->connection().unread(), 0u) << "held back";
  EXPECT_EQ(w.dropped(metrics::drop_reason::slow_subscriber), 0u);
  w.advance(w.dir().limits().slow_grace_ms + 100);
  EXPECT_EQ(p_->connection().unread(), 0u) << "let go";
  EXPECT_GT(w.dropped(metrics::drop_reason::slow_subscriber), 0u);
  s_->connection().unblock();
  w.run();
  const auto before = w.dropped(metrics::drop_reason::slow_subscriber);
  s_->take();
  p_->publish("t", "again", 0);
  w.run();
  EXPECT_EQ(s_->payloads(), "again");
  EXPECT_EQ(w.dropped(metrics::drop_reason::slow_subscriber), before);
}

TEST_F(SlowSubscriber, LosesNoQoS1AndKeepsItsOrder) {
  world& w = *world_;
  s_->connection().block();
  std::string want;
  for (int i = 0; i < 60; ++i) {
    const std::string payload = std::to_string(i) + std::string(100, '.');
    want += (i ? " " : "") + payload;
    p_->publish("t", payload, 1);
    w.run();
    if (i % 10 == 0) w.advance(300);
  }
  w.advance(1000);
  EXPECT_EQ(p_->connection().unread(), 0u);
  s_->connection().unblock();
  w.run();
  EXPECT_EQ(s_->payloads(), want);
  EXPECT_EQ(w.total([](const metrics::counters& c) -> auto& { return c.queued; }), 0u);
}

TEST_F(SlowSubscriber, LetsPublishersGoWhenItIsDrainedInTime) {
  world& w = *world_;
  s_->connection().block();
  for (int i = 0; i < 12; ++i) {
    p_->publish("t", std::to_string(i) + std::string(400, '.'), 0);
    w.run();
  }
  EXPECT_GT(p_->connection().unread(), 0u);
  s_->connection().unblock();
  w.run();
  EXPECT_EQ(p_->connection().unread(), 0u);
  EXPECT_EQ(s_->take_packets().size(), 12u);
  EXPECT_EQ(w.dropped(metrics::drop_reason::slow_subscriber), 0u);
}

TEST_F(SlowSubscriber, LetsPublishersGoWhenItsConnectionEnds) {
  world& w = *world_;
  s_->connection().block();
  for (int i = 0; i < 12; ++i) {
    p_->publish("t", std::to_string(i) + std::string(400, '.'), 1);
    w.run();
  }
  EXPECT_GT(p_->connection().unread(), 0u);
  s_->lose();
  w.run();
  EXPECT_EQ(p_->connection().unread(), 0u);
  p_->take();
  p_->publish("t", "x", 1);
  w.run();
  EXPECT_EQ(p_->take(), "puback 13 10");
}

// The sent part of a half-taken output must not count as output.
TEST_F(SlowSubscriber, GetsItsQueueWhenTheRestOfItsOutputIsSmall) {
  world& w = *world_;
  s_->auto_ack = false;
  for (int i = 0; i < 200; ++i) p_->publish("t", std::to_string(i) + std::string(50, '.'), 1);
  w.run();
  w.advance(1000);
  size_t got = 0;
  for (const auto& r : s_->take_packets()) got += r.type == packet_type::publish;
  EXPECT_EQ(got, 200u);
}

TEST_F(FlowSim, ASessionThatEndsWithMessagesOnTheWayLetsItsPublishersGo) {
  options limits;
  limits.mailbox_messages_max = 10;
  world& w = start(limits, 2);
  client& s = ready(id_on(w, 1), {}, v5, 1);
  const auto topic = topic_on(w, 0);
  s.subscribe(topic, 1);
  w.run();
  client& p = ready("p", {}, v5, 1);
  // Reactor 1 alone: the batch is on its way to the shard when the session ends.
  for (int i = 0; i < 20; ++i) p.publish(topic, "x", 1);
  w.turn(1), w.turn(1);
  s.lose();
  for (int i = 0; i < 10; ++i) w.turn(1);
  w.run();
  std::string want;
  for (int i = 1; i <= 20; ++i) want += (i > 1 ? "; puback " : "puback ") + std::to_string(i);
  EXPECT_EQ(p.take(), want);
}

TEST_F(FlowSim, AP2pReceiverThatEndsLetsItsPublishersGo) {
  options limits;
  limits.mailbox_messages_max = 10;
  world& w = start(limits, 2);
  const auto id = id_on(w, 0);
  client& s = ready(id, {}, v5, 1);
  client& p = ready("p", {}, v5, 0);
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 20; ++i) p.publish("chat/p2p/" + id, "x", 1);
    s.lose();
    for (int i = 0; i < 3; ++i) w.turn(static_cast<size_t>(round & 1));
    for (int i = 0; i < 3; ++i) w.turn(1);
    w.run();
    EXPECT_EQ(p.take_packets().size(), 20u);
    w.connect(s, {}, 1);
  }
}

TEST_F(FlowSim, ASessionMovesWithMessagesInFlight) {
  for (int spin = 0; spin < 30; ++spin) {
    world& w = start({}, 2);
    client& s = w.make_client("s");
    w.connect(s, persistent(), 0);
    s.subscribe("t", 1);
    w.run();
    s.take();
    client& p = ready("p", {}, v5, static_cast<size_t>(spin & 1));
    int next = 0;
    for (int move = 1; move <= 4; ++move) {
      for (int i = 0; i < 5; ++i, ++next) {
        p.publish("t", std::to_string(100 + next), 1);
        if ((spin + i) % 3 == 0) w.turn(static_cast<size_t>(i & 1));
      }
      s.lose();
      w.begin_connect(s, persistent(), static_cast<size_t>(move & 1));
      for (int t = 0; t < spin % 7; ++t) w.turn(static_cast<size_t>((t + move) & 1));
    }
    w.run();
    // Two CONNECTs that are on their way on two reactors may come in either order.
    if (!s.open()) w.connect(s, persistent());
    std::string last;
    std::set<std::string> got;
    for (const auto& r : s.take_packets())
      if (r.type == packet_type::publish && got.insert(r.payload).second) {
        EXPECT_GT(r.payload, last);
        last = r.payload;
      }
    // What was sent to a connection that was lost comes again on the next.
    EXPECT_EQ(got.size(), static_cast<size_t>(next)) << "spin " << spin;
    EXPECT_EQ(w.check_identity(), "");
  }
}

}  // namespace
}  // namespace dunlin::sim
