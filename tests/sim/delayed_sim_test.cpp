// $delayed/{seconds}/topic: held, acknowledged, published when due, bounded and counted.
#include <string>

#include "tests/sim/topics_fixture.hpp"

namespace dunlin::sim {
namespace {

using metrics::counters;

class DelayedSim : public TopicsSim {};

TEST_F(DelayedSim, IsAcknowledgedWhenHeldAndPublishedWhenDue) {
  start({}, 2);
  client &s = ready("s"), &p = ready("p");
  subscribe(s, "a/#", 2);
  p.publish("$delayed/5/a/b", "five", 1);
  p.publish("$delayed/2/a/b", "two", 2);
  p.publish("$delayed/0/a/b", "now", 0);
  world_->run();
  EXPECT_EQ(p.take(), "puback 1; pubrec 2; pubcomp 2");
  EXPECT_EQ(s.take(), "a/b=now q0");
  EXPECT_EQ(count(&counters::delayed), 2u);
  EXPECT_GT(count(&counters::delayed_bytes), 0u);
  EXPECT_EQ(world_->check_identity(), "");
  world_->advance(1900);
  EXPECT_EQ(s.take(), "");
  world_->advance(200);
  EXPECT_EQ(s.payloads(), "two");
  world_->advance(3100);
  EXPECT_EQ(s.payloads(), "five");
  EXPECT_EQ(count(&counters::delayed), 0u);
  EXPECT_EQ(count(&counters::delayed_bytes), 0u);
  EXPECT_EQ(count(&counters::received_delayed), 2u);
  EXPECT_EQ(count(&counters::delayed_published), 2u);
}

TEST_F(DelayedSim, BadSecondsAndTopicsAreRefused) {
  start();
  client& p = ready("p");
  for (const char* topic : {"$delayed/x/a", "$delayed/5", "$delayed//a", "$delayed/-1/a"})
    p.publish(topic, "x", 1);
  p.publish("$delayed/1/$SYS/broker/uptime", "x", 1);
  p.publish("$delayed/4294968/a", "x", 1);
  world_->run();
  EXPECT_EQ(p.take(),
            "puback 1 90; puback 2 90; puback 3 90; puback 4 90; puback 5 87; puback 6 97");
  EXPECT_EQ(count(&counters::received_delayed), 0u);
}

TEST_F(DelayedSim, TheLimitsAreTold) {
  options limits;
  limits.delayed_messages_max = 2;
  start(limits, 2);
  client &p = ready("p"), &s = ready("s");
  subscribe(s, "#");
  for (int i = 0; i < 4; ++i) p.publish("$delayed/1/t/" + std::to_string(i), "x", 1);
  world_->run();
  auto acks = p.take();
  EXPECT_EQ(count(&counters::delayed), 2u) << acks;
  EXPECT_EQ(count(&counters::refused), 2u);
  EXPECT_NE(acks.find("97"), std::string::npos);
  world_->advance(1200);
  EXPECT_EQ(s.take_packets().size(), 2u);
  p.publish("$delayed/1/t/5", "x", 1);
  world_->run();
  EXPECT_EQ(p.take().find("97"), std::string::npos) << "there is room again";
  world_->advance(1200);
}

TEST_F(DelayedSim, BytesAreBoundedToo) {
  options limits;
  limits.delayed_bytes_max = 3000;
  start(limits);
  client& p = ready("p");
  for (int i = 0; i < 3; ++i) p.publish("$delayed/1/t", std::string(1200, 'x'), 1);
  world_->run();
  EXPECT_EQ(p.take(), "puback 1; puback 2; puback 3 97");
}

TEST_F(DelayedSim, ExpiryRunsFromThePublish) {
  start();
  client &s = ready("s"), &p = ready("p");
  subscribe(s, "t", 1);
  p.publish("$delayed/5/t", "late", 1, false, {.message_expiry_interval = 3});
  p.publish("$delayed/5/t", "in time", 1, false, {.message_expiry_interval = 10});
  world_->run();
  world_->advance(5200);
  EXPECT_EQ(s.payloads(), "in time");
  EXPECT_EQ(count(&counters::expired), 1u);
}

TEST_F(DelayedSim, ARetainedOneIsKeptWhenItsTimeHasCome) {
  start();
  client &s = ready("s"), &p = ready("p");
  p.publish("$delayed/2/t", "kept", 1, true);
  world_->run();
  s.subscribe("t", 1);
  world_->run();
  EXPECT_EQ(s.take(), "suback 01");
  world_->advance(2200);
  EXPECT_EQ(s.take(), "t=kept q1");
  client& later = ready("later");
  later.subscribe("t", 1);
  world_->run();
  EXPECT_EQ(later.take(), "suback 01; t=kept q1 retain");
}

TEST_F(DelayedSim, NoLocalRulesAndPointToPointHoldAfterTheDelay) {
  start({}, 2);
  auto& rule = world_->bind_rule_to("up");
  client &p = ready("p"), &q = ready("q");
  p.subscribe({{"up/#", {.qos = 1, .no_local = true}}});
  world_->run();
  p.take();
  subscribe(q, "up/#");
  p.publish("$delayed/1/up/x", "1", 1);
  p.publish("$delayed/1/up/p2p/q", "2", 1);
  world_->run();
  p.take();
  world_->advance(1200);
  EXPECT_EQ(p.payloads(), "");
  EXPECT_EQ(rule.records, std::vector<std::string>{"up/x=1"});
  const auto got = q.payloads();
  EXPECT_TRUE(got == "1 2" || got == "2 1") << got;
}

TEST_F(DelayedSim, ManyThatAreDueAtOnceLeaveOthersTheirTurn) {
  start();
  client &s = ready("s"), &p = ready("p");
  subscribe(s, "t", 0);
  for (int i = 0; i < 5000; ++i) p.publish("$delayed/1/t", std::to_string(i), 0);
  world_->run();
  world_->advance(900);
  EXPECT_EQ(s.take(), "");
  world_->advance(200);
  const auto got = s.take_packets();
  ASSERT_EQ(got.size(), 5000u);
  for (int i = 0; i < 5000; ++i) ASSERT_EQ(got[i].payload, std::to_string(i));
}

TEST_F(DelayedSim, AWillMayBeDelayedToo) {
  start();
  client& s = ready("s");
  client& w = ready("w", {.will = mqtt::will_message{.topic = "$delayed/3/gone", .payload = "w"}});
  subscribe(s, "gone");
  w.lose();
  world_->run();
  EXPECT_EQ(s.take(), "");
  world_->advance(3200);
  EXPECT_EQ(s.take(), "gone=w q0");
}

TEST_F(DelayedSim, WhatIsHeldWhenAllEndsIsNoCopyYet) {
  start();
  client& p = ready("p");
  p.publish("$delayed/100/t", "x", 1);
  world_->run();
  EXPECT_EQ(world_->check_identity(), "");
  EXPECT_EQ(count(&counters::delayed), 1u);
}

}  // namespace
}  // namespace dunlin::sim
