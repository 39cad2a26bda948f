// A message that goes to very many does not keep anybody else waiting; nothing of it is lost,
// overtaken or acknowledged too soon meanwhile.
#include <string>
#include <vector>

#include "tests/sim/sim_test.hpp"

namespace dunlin::sim {
namespace {

class FairnessSim : public SimTest {
 protected:
  // Subscribers of "all", on the reactors in turn.
  void crowd(size_t size, uint8_t qos = 0) {
    for (size_t i = 0; i < size; ++i) {
      client& c = ready("crowd" + std::to_string(i), {}, v5, i % world_->reactors());
      c.subscribe("all", qos);
      crowd_.push_back(&c);
    }
    world_->run();
    for (auto* c : crowd_) c->take();
  }
  void turn() {
    for (size_t i = 0; i < world_->reactors(); ++i) world_->turn(i);
  }
  // How many have got something, without acknowledging it.
  size_t served() {
    size_t n = 0;
    for (auto* c : crowd_)
      if (c->open() && !c->connection().peek_output().empty()) ++n;
    return n;
  }

  std::vector<client*> crowd_;
};

constexpr size_t many = 20 * net::reactor::bulk_per_turn;

TEST_F(FairnessSim, OthersPassWhileThousandsAreServed) {
  world& w = start();
  crowd(many);
  client &loud = ready("loud"), &a = ready("a"), &b = ready("b");
  b.subscribe("pair", 1);
  w.run();
  b.take();
  loud.publish("all", "1");
  for (int i = 0; i < 3; ++i) turn();
  ASSERT_GT(served(), 0u) << "it has begun";
  for (int round = 0; round < 5; ++round) {
    a.publish("pair", std::to_string(round), 1);
    int turns = 0;
    while (b.connection().peek_output().empty() && turns < 10) {
      turn();
      ++turns;
    }
    EXPECT_LE(turns, 2) << "round " << round;
    b.poll();
    EXPECT_EQ(b.take(), "pair=" + std::to_string(round) + " q1");
  }
  EXPECT_LT(served(), many) << "the others were served in between";
  w.run();
  for (auto* c : crowd_) EXPECT_EQ(c->payloads(), "1");
  EXPECT_EQ(w.check_identity(), "");
}

TEST_F(FairnessSim, WhatComesMeanwhileLinesUpBehind) {
  for (size_t reactors : {1, 2}) {
    world& w = start({}, reactors);
    crowd_.clear();
    crowd(many / 4, 1);
    client &one = ready("one"), &two = ready("two", {}, v5, reactors - 1);
    one.publish("all", "a1", 1);
    turn();
    turn();
    // Not everybody has the first; each publisher's messages keep their order all the same.
    one.publish("all", "a2", 1);
    two.publish("all", "b1", 1);
    turn();
    two.publish("all", "b2", 1);
    w.run();
    for (auto* c : crowd_) {
      std::string of_one, of_two;
      for (const auto& r : c->take_packets())
        if (r.type == mqtt::packet_type::publish)
          (r.payload[0] == 'a' ? of_one : of_two) += r.payload + " ";
      EXPECT_EQ(of_one, "a1 a2 ");
      EXPECT_EQ(of_two, "b1 b2 ");
    }
    EXPECT_EQ(one.take(), "puback 1; puback 2");
    EXPECT_EQ(two.take(), "puback 1; puback 2");
    EXPECT_EQ(w.check_identity(), "");
  }
}

// What several publishers send in one turn goes to a receiver in one piece, in the order in which
// it came.
TEST_F(FairnessSim, WhatCameBeforeAMessageToManyGoesOutBeforeIt) {
  world& w = start();
  crowd(many / 4, 1);
  client &one = ready("one"), &two = ready("two"), &three = ready("three");
  client& c = *crowd_.front();
  c.subscribe("own", 1);
  w.run();
  c.take();
  one.publish("own", "before", 1);
  two.publish("all", "large", 1);
  three.publish("own", "after", 1);
  turn();
  EXPECT_EQ(one.connection().peek_output().empty(), false) << "its message is on its way";
  EXPECT_EQ(two.connection().peek_output().empty(), true) << "not everybody has it";
  w.run();
  EXPECT_EQ(c.payloads(), "before large after");
  for (size_t i = 1; i < crowd_.size(); ++i) EXPECT_EQ(crowd_[i]->payloads(), "large");
  for (client* p : {&one, &two, &three}) EXPECT_EQ(p->take(), "puback 1") << p->id();
  EXPECT_EQ(w.check_identity(), "");
}

TEST_F(FairnessSim, ASubscriptionThatEndsGetsWhatCameBefore) {
  world& w = start();
  client &one = ready("one"), &two = ready("two"), &c = ready("c");
  c.subscribe("t", 1);
  w.run();
  c.take();
  one.publish("t", "1", 1);
  c.unsubscribe("t");
  two.publish("t", "2", 1);
  w.run();
  EXPECT_EQ(c.take(), "t=1 q1; unsuback 00");
  EXPECT_EQ(one.take(), "puback 1");
  EXPECT_EQ(two.take(), "puback 1 10");
  EXPECT_EQ(w.check_identity(), "");
}

TEST_F(FairnessSim, EachPublisherOfATurnWaitsForItsOwnReceivers) {
  options o;
  o.mailbox_messages_max = 3;
  world& w = start(o, 2);
  const auto of_shard_0 = [&](std::string topic) {
    while (w.dir().shard_of(topic) != 0) topic += 'x';
    return topic;
  };
  const std::string s = of_shard_0("s"), q = of_shard_0("q");
  client &one = ready("one"), &two = ready("two"), &three = ready("three");
  client &slow = ready("slow", {}, v5, 1), &quick = ready("quick");
  slow.subscribe(s);
  quick.subscribe(q);
  w.run();
  slow.take(), quick.take();
  for (int i = 0; i < 4; ++i) one.publish(s, std::to_string(i), 1);
  two.publish(q, "x", 1);
  three.publish(s, "4", 1);
  w.turn(0);
  w.turn(0);
  for (client* p : {&one, &two, &three}) p->poll();
  EXPECT_EQ(one.take(), "") << "four are more than three";
  EXPECT_EQ(two.take(), "puback 1");
  EXPECT_EQ(three.take(), "");
  w.run();
  EXPECT_EQ(slow.payloads(), "0 1 2 3 4");
  EXPECT_EQ(quick.payloads(), "x");
  EXPECT_EQ(one.take(), "puback 1; puback 2; puback 3; puback 4");
  EXPECT_EQ(three.take(), "puback 1");
  EXPECT_EQ(w.check_identity(), "");
}

TEST_F(FairnessSim, ATurnServesAsManyWhereShardsShareAReactor) {
  world& w = start({}, 2);
  w.use_reactors(1);
  crowd(many / 4);
  std::string other = "other";  // in the other shard
  while (w.dir().shard_of(other) == w.dir().shard_of("all")) other += 'x';
  for (auto* c : crowd_) c->subscribe(other);
  client &one = ready("one"), &two = ready("two");
  w.run();
  for (auto* c : crowd_) c->take();
  const auto published = [&] {
    return w.total([](const metrics::counters& c) -> auto& { return c.published; });
  };
  const size_t most = w.dir().limits().receivers_at_once_max;
  one.publish("all", "1");
  two.publish(other, "2");
  const uint64_t all = published() + 2 * crowd_.size();
  for (int turns = 0; published() < all; ++turns) {
    ASSERT_LT(turns, 1000);
    const uint64_t last = published();
    w.turn(0);
    ASSERT_LE(published() - last, most);
  }
  w.run();
  for (auto* c : crowd_) EXPECT_EQ(c->payloads().size(), 3u) << "both, in either order";
  EXPECT_EQ(w.check_identity(), "");
}

TEST_F(FairnessSim, AcknowledgedWhenEverybodyHasIt) {
  world& w = start();
  crowd(many / 4, 1);
  client& p = ready("p");
  p.publish("all", "1", 1);
  while (p.connection().peek_output().empty()) {
    turn();
    ASSERT_TRUE(p.open());
  }
  // The answer comes behind the last receiver: all have it in their sessions.
  uint64_t in_mailboxes = 0;
  for (auto* c : crowd_) in_mailboxes += c->connection().peek_output().empty();
  EXPECT_EQ(in_mailboxes, 0u);
  EXPECT_EQ(w.check_identity(), "");
  w.run();
  EXPECT_EQ(p.take(), "puback 1");
}

TEST_F(FairnessSim, OneThatLeavesMeanwhileHasWhatWasPublishedBefore) {
  world& w = start();
  crowd(many / 4, 1);
  client& p = ready("p");
  p.publish("all", "1", 1);
  turn();
  turn();
  client &last = *crowd_.back(), &before = *crowd_[crowd_.size() - 2];
  ASSERT_TRUE(last.connection().peek_output().empty());
  last.unsubscribe("all");
  before.disconnect();
  w.run();
  EXPECT_EQ(last.take(), "all=1 q1; unsuback 00");
  EXPECT_FALSE(before.open());
  EXPECT_EQ(p.take(), "puback 1");
  EXPECT_EQ(w.check_identity(), "");
}

TEST_F(FairnessSim, AReceiverThatIsFullHoldsThePublisherAlsoInParts) {
  options limits;
  limits.output_high_bytes = 2000;
  limits.output_low_bytes = 500;
  limits.slow_grace_ms = 5000;
  world& w = start(limits);
  crowd(many / 4);
  client& p = ready("p");
  crowd_.back()->connection().block();
  const std::string big(1500, 'x');
  p.publish("all", big, 1);
  p.publish("all", big, 1);
  w.run();
  p.take();
  p.publish("all", "held", 1);
  w.run();
  EXPECT_EQ(p.take(), "") << "one of many is full";
  crowd_.back()->connection().unblock();
  w.run();
  EXPECT_EQ(p.take(), "puback 3");
  EXPECT_EQ(w.check_identity(), "");
}

// What all sessions are told at once is done in parts as well.
TEST_F(FairnessSim, AStopEndsThemAllWithoutALongTurn) {
  world& w = start();
  crowd(many / 4);
  caf::anon_send(w.dir().registries[0], shut_down{});
  turn();
  size_t open = 0;
  for (auto* c : crowd_) open += c->open();
  EXPECT_GE(open, crowd_.size() - 2 * net::reactor::bulk_per_turn);
  w.run();
  for (auto* c : crowd_) EXPECT_FALSE(c->open());
}

}  // namespace
}  // namespace dunlin::sim
