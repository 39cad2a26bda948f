// Shared subscriptions: every strategy, members that are slow, leave, come back and hand over.
#include <map>
#include <set>
#include <string>

#include "tests/fakes/random.hpp"
#include "tests/sim/topics_fixture.hpp"

namespace dunlin::sim {
namespace {

using mqtt::packet_type;
using how = core::share_strategy;

class SharedSim : public TopicsSim {
 protected:
  void strategy(how s) { topics({.shared = s}); }
  void publish(client& p, std::string_view topic, int from, int to, uint8_t qos = 1) {
    for (int i = from; i < to; ++i) p.publish(topic, std::to_string(i), qos);
    world_->run();
  }
};

TEST_F(SharedSim, AStrategyIsOfItsGroupOrOfAllAndChangesAtRunTime) {
  start();
  topics({.shared_groups = {{"s", how::sticky}}});
  client &a = ready("a"), &b = ready("b"), &p = ready("p");
  for (client* c : {&a, &b}) subscribe(*c, "$share/s/t"), subscribe(*c, "$share/r/t");
  publish(p, "t", 0, 4);
  EXPECT_EQ(a.payloads(), "0 0 1 2 2 3") << "all of s, half of r";
  EXPECT_EQ(b.payloads(), "1 3");
  topics({.shared = how::sticky});
  publish(p, "t", 4, 6);
  EXPECT_EQ(a.payloads() + "," + b.payloads(), "4 4 5 5,");
}

TEST_F(SharedSim, HashStrategiesKeepAClientOrATopicWithOneMember) {
  for (how s : {how::hash_client, how::hash_topic}) {
    start({}, 2);
    strategy(s);
    std::vector<client*> members;
    for (int i = 0; i < 3; ++i) {
      members.push_back(&ready("m" + std::to_string(i), {}, i == 1 ? v311 : v5, i & 1));
      subscribe(*members.back(), "$share/g/t/#");
    }
    for (int n = 0; n < 12; ++n) {
      client& p = ready("p" + std::to_string(n));
      for (int i = 0; i < 4; ++i) {
        const auto topic = "t/" + std::to_string(s == how::hash_topic ? n : i);
        p.publish(topic, std::to_string(n), 1);
      }
    }
    world_->run();
    std::map<std::string, std::set<client*>> owners;
    std::set<client*> used;
    for (client* m : members)
      for (const auto& r : m->take_packets()) owners[r.payload].insert(m), used.insert(m);
    EXPECT_EQ(owners.size(), 12u);
    for (const auto& [key, who] : owners) EXPECT_EQ(who.size(), 1u) << key;
    EXPECT_GT(used.size(), 1u);
  }
}

TEST_F(SharedSim, LeastOutstandingGoesToWhoAcknowledges) {
  start();
  strategy(how::least_outstanding);
  client &a = ready("a"), &b = ready("b"), &p = ready("p");
  a.auto_ack = false;
  subscribe(a, "$share/g/t"), subscribe(b, "$share/g/t");
  for (int i = 0; i < 20; ++i) publish(p, "t", i, i + 1);
  EXPECT_EQ(a.take_packets().size(), 1u);
  EXPECT_EQ(b.take_packets().size(), 19u);
}

TEST_F(SharedSim, AMemberWhoseWindowIsFullGetsNothingWhileAnotherIsReady) {
  start();
  client& a = ready("a", {.receive_max = uint16_t{2}});
  client &b = ready("b"), &p = ready("p");
  a.auto_ack = false;
  subscribe(a, "$share/g/t"), subscribe(b, "$share/g/t");
  for (int i = 0; i < 20; ++i) publish(p, "t", i, i + 1);
  EXPECT_EQ(a.take_packets().size(), 2u);
  EXPECT_EQ(b.take_packets().size(), 18u);
}

TEST_F(SharedSim, ASlowMemberLosesNothingThatAnotherCanTake) {
  options limits;
  limits.output_high_bytes = 2000;
  limits.output_low_bytes = 500;
  start(limits);
  client &a = ready("a"), &b = ready("b"), &p = ready("p");
  subscribe(a, "$share/g/t", 0), subscribe(b, "$share/g/t", 0);
  a.connection().block();
  const std::string big(100, 'x');
  for (int i = 0; i < 300; ++i) {
    p.publish("t", big, 0);
    world_->run();
    if (i % 10 == 0) world_->advance(100);
  }
  world_->advance(1000);
  const size_t of_b = b.take_packets().size();
  a.connection().unblock();
  world_->run();
  EXPECT_EQ(of_b + a.take_packets().size(), 300u);
  EXPECT_EQ(world_->dropped(metrics::drop_reason::slow_subscriber), 0u);
}

TEST_F(SharedSim, WhatAMemberNeverSawGoesToAnotherWhenItGoesOffline) {
  start({}, 2);
  auto o = persistent();
  o.receive_max = 1;
  client& a = ready("a", o);
  a.auto_ack = false;
  client& b = ready("b", o, v5, 1);
  b.auto_ack = false;
  client& p = ready("p");
  subscribe(a, "$share/g/t"), subscribe(b, "$share/g/t");
  publish(p, "t", 0, 6);
  EXPECT_EQ(a.payloads() + "," + b.payloads(), "0,1");
  a.lose();
  world_->run();
  b.auto_ack = true;
  for (int i = 0; i < 10; ++i) b.ack(packet_type::puback, static_cast<uint16_t>(i + 1));
  world_->run();
  auto got = b.payloads();
  EXPECT_EQ(got.size(), std::string("2 3 4 5").size()) << got;
  world_->connect(a, o);
  a.auto_ack = true;
  world_->run();
  EXPECT_EQ(a.payloads(), "0") << "in flight with it: it stays [MQTT-4.8.2-4]";
}

TEST_F(SharedSim, UnsubscribingHandsOverWhatWasNotSent) {
  start();
  client& a = ready("a", {.receive_max = uint16_t{1}});
  client& b = ready("b", {.receive_max = uint16_t{1}});
  a.auto_ack = b.auto_ack = false;
  client& p = ready("p");
  subscribe(a, "$share/g/t"), subscribe(b, "$share/g/t");
  publish(p, "t", 0, 6);
  a.take(), b.take();
  a.unsubscribe("$share/g/t");
  world_->run();
  b.auto_ack = true;
  b.ack(packet_type::puback, 1);
  world_->run();
  EXPECT_EQ(b.take_packets().size(), 4u);
  a.auto_ack = true;
  a.ack(packet_type::puback, 1);
  world_->run();
  EXPECT_EQ(a.payloads(), "");
}

TEST_F(SharedSim, WhatOfflineMembersKeepGoesToTheFirstThatComes) {
  start({}, 2);
  client& a = ready("a", persistent());
  client& b = ready("b", persistent(), v5, 1);
  client& p = ready("p");
  subscribe(a, "$share/g/t", 2), subscribe(b, "$share/g/t", 2);
  a.lose(), b.lose();
  world_->run();
  publish(p, "t", 0, 6);
  world_->connect(b, persistent());
  const auto packets = b.take_packets();
  std::set<std::string> got;
  for (const auto& r : packets)
    if (r.type == packet_type::publish) got.insert(r.payload);
  EXPECT_EQ(got.size(), 6u);
  world_->connect(a, persistent());
  EXPECT_EQ(a.payloads(), "");
}

TEST_F(SharedSim, ANewMemberTakesWhatOfflineOnesKeep) {
  start();
  client &a = ready("a", persistent()), &p = ready("p");
  subscribe(a, "$share/g/t");
  a.lose();
  world_->run();
  publish(p, "t", 0, 3);
  client& c = ready("c");
  c.subscribe("$share/g/t", 1);
  world_->run();
  EXPECT_EQ(c.payloads(), "0 1 2");
}

TEST_F(SharedSim, MessagesOnTheWayToAMemberThatEndsGoToAnother) {
  start();
  client &a = ready("a"), &b = ready("b"), &p = ready("p");
  subscribe(a, "$share/g/t"), subscribe(b, "$share/g/t");
  for (int i = 0; i < 50; ++i) {
    a.connection().block();
    b.connection().block();
    for (int k = 0; k < 4; ++k) p.publish("t", std::to_string(i * 4 + k), 1);
    for (int k = 0; k < i % 7; ++k) world_->turn(0);
    a.lose();
    b.connection().unblock();
    world_->run();
    world_->connect(a, {});
    a.take();
    subscribe(a, "$share/g/t");
  }
  std::set<std::string> got;
  for (const auto& r : b.take_packets()) got.insert(r.payload);
  // What a was sent it may have: it is sent again to b.
  EXPECT_EQ(got.size(), 200u);
  EXPECT_EQ(world_->dropped(metrics::drop_reason::session_ended), 0u);
}

TEST_F(SharedSim, TwoGroupsOfOneClientAreTwoCopies) {
  start();
  client &a = ready("a"), &p = ready("p");
  subscribe(a, "$share/g/t"), subscribe(a, "$share/h/+"), subscribe(a, "t"), subscribe(a, "#");
  publish(p, "t", 0, 1);
  EXPECT_EQ(a.payloads(), "0 0 0") << "one for each group, one for its own subscriptions";
}

// Members of every kind come, go, block and end; a persistent one stays to the end.
class RandomShared : public SharedSim, public ::testing::WithParamInterface<how> {
 protected:
  static constexpr int members = 4;

  void disturb(client& c, int index) {
    const bool keeps = index < 2;
    if (!c.open()) {
      auto o = keeps ? persistent() : connect_options{};
      o.receive_max = static_cast<uint16_t>(1 + random_.below(20));
      world_->begin_connect(c, o, random_.below(2));
      world_->run();
      if (!subscribed_[index] || !keeps) c.subscribe("$share/g/+/x", 1);
      subscribed_[index] = true;
      return;
    }
    switch (random_.below(5)) {
      case 0:
        c.lose();
        break;
      case 1:
        c.disconnect();
        break;
      case 2:
        c.connection().block();
        break;
      case 3:
        if (index == 3) c.unsubscribe("$share/g/+/x"), subscribed_[index] = false;
        break;
      default:
        c.connection().unblock();
    }
  }
  void read(client& c) {
    c.poll();
    for (const auto& r : c.take_packets()) {
      if (r.type != packet_type::publish) continue;
      ++got_[r.payload];
      if (c.open()) c.ack(packet_type::puback, r.id);
    }
  }

  fakes::seeded_random random_;
  bool subscribed_[members] = {};
  std::map<std::string, int> got_;
};

TEST_P(RandomShared, NothingIsLostAndEveryCopyIsCounted) {
  SCOPED_TRACE(random_.name());
  options limits;
  limits.output_high_bytes = 2000;
  limits.output_low_bytes = 500;
  start(limits, 2);
  strategy(GetParam());
  std::vector<client*> all;
  for (int i = 0; i < members; ++i) {
    all.push_back(&world_->make_client("m" + std::to_string(i), i == 1 ? v311 : v5));
    all.back()->auto_ack = false;
    disturb(*all.back(), i);
  }
  world_->run();
  client& p = ready("p");
  int sent = 0;
  for (int step = 0; step < 4000; ++step) {
    if (random_.one_in(8)) {
      const size_t i = random_.below(members);
      read(*all[i]);
      disturb(*all[i], static_cast<int>(i));
    } else if (random_.one_in(2)) {
      p.publish("r" + std::to_string(random_.below(3)) + "/x", std::to_string(sent++), 1);
    }
    world_->turn(random_.below(2));
    if (random_.one_in(20)) world_->advance(100);
    for (client* c : all)
      if (random_.one_in(2)) read(*c);
  }
  for (int round = 0; round < 20 || (count(&metrics::counters::queued) && round < 5000); ++round) {
    for (int i = 0; i < members; ++i) {
      if (!all[i]->open()) disturb(*all[i], i);
      all[i]->connection().unblock();
      world_->run();
      read(*all[i]);
    }
    world_->run();
    if (round < 20) world_->advance(100);
  }
  // In flight with a member that unsubscribed and then ended: nobody knows its group any more.
  const auto gone = static_cast<int>(world_->dropped(metrics::drop_reason::session_ended));
  EXPECT_LE(static_cast<int>(got_.size()), sent);
  EXPECT_GE(static_cast<int>(got_.size()) + gone, sent);
  EXPECT_GT(sent, 1000);
  EXPECT_EQ(world_->check_identity(), "");
  EXPECT_EQ(count(&metrics::counters::queued), 0u);
}

INSTANTIATE_TEST_SUITE_P(EveryStrategy, RandomShared,
                         ::testing::Values(how::round_robin, how::random, how::least_outstanding,
                                           how::sticky, how::hash_client, how::hash_topic));

}  // namespace
}  // namespace dunlin::sim
