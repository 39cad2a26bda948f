// Who gets a message: subscriptions and their options, shared ones, retained messages, p2p, $SYS.
#include <set>
#include <string>

#include "tests/sim/sim_test.hpp"

namespace dunlin::sim {
namespace {

using mqtt::reason;

class RoutingSim : public SimTest {};

TEST_F(RoutingSim, OverlappingSubscriptionsGiveOneCopyWithTheHigherQoSAndAllIdentifiers) {
  world& w = start({}, 2);
  client& s = ready("s");
  s.subscribe({{"a/b", {.qos = 1}}}, 1);
  s.subscribe({{"a/+", {.qos = 2}}}, 2);
  s.subscribe({{"#", {.qos = 0}}}, 300);
  w.run();
  EXPECT_EQ(s.take(), "suback 01; suback 02; suback 00");
  client& p = ready("p");
  p.publish("a/b", "x", 2);
  w.run();
  auto got = s.take_packets();
  ASSERT_FALSE(got.empty());
  EXPECT_EQ(got[0].text.substr(0, 8), "a/b=x q2");
  for (const char* id : {"1", "2", "300"}) EXPECT_NE(got[0].text.find(id), std::string::npos);
  EXPECT_EQ(w.total([](const metrics::counters& c) -> auto& { return c.delivered; }), 1u);
}

TEST_F(RoutingSim, NoLocalKeepsAClientsOwnMessagesFromIt) {
  world& w = start();
  client& a = ready("a");
  client& b = ready("b");
  a.subscribe({{"t", {.qos = 1, .no_local = true}}});
  subscribe(b, "t", 1);
  a.take();
  a.publish("t", "mine", 1);
  b.publish("t", "yours", 1);
  w.run();
  EXPECT_EQ(a.payloads(), "yours");
  EXPECT_EQ(b.payloads(), "mine yours");
}

TEST_F(RoutingSim, RetainAsPublishedKeepsTheFlag) {
  world& w = start();
  client& a = ready("a");
  a.subscribe({{"t", {.retain_as_published = true}}});
  client& b = ready("b");
  subscribe(b, "t", 0);
  client& p = ready("p");
  a.take();
  p.publish("t", "x", 0, true);
  p.publish("t", "y", 0, false);
  w.run();
  EXPECT_EQ(a.take(), "t=x q0 retain; t=y q0");
  EXPECT_EQ(b.take(), "t=x q0; t=y q0");
}

TEST_F(RoutingSim, UnsubscribeEndsDelivery) {
  world& w = start({}, 2);
  client& s = ready("s");
  subscribe(s, "a/b/c", 0), subscribe(s, "+/x", 0);
  s.unsubscribe("a/b/c");
  s.unsubscribe("+/x");
  s.unsubscribe("never");
  w.run();
  EXPECT_EQ(s.take(), "unsuback 11; unsuback 00; unsuback 00");
  client& old = ready("old", {}, v311);
  old.unsubscribe("never");
  w.run();
  EXPECT_EQ(old.take(), "unsuback");
  s.publish("a/b/c", "1");
  s.publish("q/x", "2");
  w.run();
  EXPECT_EQ(s.take(), "");
}

TEST_F(RoutingSim, SubackTellsEachFilter) {
  options limits;
  limits.topic_levels_max = 4;
  limits.subscriptions_per_client_max = 3;
  world& w = start(limits);
  client& s = ready("s");
  s.subscribe({{"a", {.qos = 0}}, {"a/b/c/d/e", {.qos = 1}}, {"b", {.qos = 2}}});
  w.run();
  EXPECT_EQ(s.take(), "suback 00 8F 02");
  s.subscribe("c", 1);
  s.subscribe("d", 1);
  s.subscribe("a", 1);  // replaces
  w.run();
  EXPECT_EQ(s.take(), "suback 97; suback 01; suback 01");
  client& old = ready("old", {}, v311);
  for (const char* f : {"1", "2", "3", "4"}) old.subscribe(f, 2);
  w.run();
  EXPECT_EQ(old.take(), "suback 80; suback 02; suback 02; suback 02");
}

TEST_F(RoutingSim, WhatIsSwitchedOffIsRefused) {
  options limits;
  limits.wildcard_available = false;
  limits.shared_available = false;
  limits.qos_max = 1;
  world& w = start(limits);
  client& s = ready("s");
  s.subscribe({{"a/+", {.qos = 0}}, {"$share/g/a", {.qos = 1}}, {"b", {.qos = 2}}});
  w.run();
  EXPECT_EQ(s.take(), "suback A2 9E 01");
}

TEST_F(RoutingSim, SharedSubscriptionsTakeTurns) {
  world& w = start({}, 2);
  client& a = ready("a", {}, v5, 0);
  client& b = ready("b", {}, v311, 1);
  client& all = ready("all");
  subscribe(a, "$share/g/t/+", 1);
  subscribe(b, "$share/g/t/+", 1);
  subscribe(all, "t/+", 1);
  client& p = ready("p");
  for (const char* x : {"1", "2", "3", "4"}) p.publish("t/x", x, 1);
  w.run();
  EXPECT_EQ(a.payloads(), "1 3");
  EXPECT_EQ(b.payloads(), "2 4");
  EXPECT_EQ(all.payloads(), "1 2 3 4");
}

TEST_F(RoutingSim, SharedSubscriptionsPassOverWhoIsOffline) {
  world& w = start();
  client& a = w.make_client("a");
  w.connect(a, persistent());
  client& b = w.make_client("b");
  w.connect(b, persistent());
  subscribe(a, "$share/g/t", 1);
  subscribe(b, "$share/g/t", 1);
  a.disconnect();
  w.run();
  client& p = ready("p");
  for (const char* x : {"1", "2"}) p.publish("t", x, 1);
  w.run();
  EXPECT_EQ(b.payloads(), "1 2");
  b.disconnect();
  w.run();
  p.publish("t", "3", 1);
  p.publish("t", "4", 1);
  w.run();
  w.connect(a, persistent());
  w.connect(b, persistent());
  EXPECT_EQ(a.payloads() + "," + b.payloads(), "3 4,")
      << "the first that is back gets what all keep";
}

TEST_F(RoutingSim, SharedMessagesOfAMemberThatEndsGoToAnother) {
  world& w = start({}, 2);
  client& a = ready("a");
  a.auto_ack = false;
  client& b = ready("b", {}, v5, 1);
  subscribe(a, "$share/g/t", 1);
  subscribe(b, "$share/g/t", 1);
  client& p = ready("p");
  for (const char* x : {"1", "2"}) p.publish("t", x, 1);
  w.run();
  EXPECT_EQ(a.payloads(), "1");
  EXPECT_EQ(b.payloads(), "2");
  a.lose();
  w.run();
  EXPECT_EQ(b.payloads(), "1");
}

TEST_F(RoutingSim, SharedMessagesWhoseSubscriptionIsGoneAreDroppedAndCounted) {
  world& w = start();
  client& a = ready("a");
  a.auto_ack = false;
  subscribe(a, "$share/g/t", 1);
  client& p = ready("p");
  p.publish("t", "1", 1);
  a.unsubscribe("$share/g/t");
  w.run();
  a.lose();
  w.run();
  EXPECT_EQ(w.dropped(metrics::drop_reason::session_ended), 1u);
}

TEST_F(RoutingSim, RetainedMessagesAreSentReplacedAndRemoved) {
  world& w = start({}, 2);
  client& p = ready("p");
  p.publish("a/1", "one", 1, true);
  p.publish("a/2", "two", 1, true);
  p.publish("a", "top", 0, true);
  w.run();
  client& s = ready("s");
  s.subscribe("a/1", 1);
  w.run();
  EXPECT_EQ(s.take(), "suback 01; a/1=one q1 retain");
  p.publish("a/1", "new", 0, true);
  p.publish("a/2", "", 0, true);
  w.run();
  s.take();
  client& t = ready("t");
  t.subscribe("a/#", 1);
  w.run();
  auto got = t.take();
  EXPECT_NE(got.find("a/1=new q0 retain"), std::string::npos) << got;
  EXPECT_NE(got.find("a=top q0 retain"), std::string::npos) << got;
  EXPECT_EQ(got.find("a/2"), std::string::npos) << got;
  EXPECT_EQ(w.total([](const metrics::counters& c) -> auto& { return c.retained_messages; }), 2u);
}

TEST_F(RoutingSim, RetainHandlingSaysWhen) {
  world& w = start();
  client& s = ready("s");
  s.publish("t", "x", 0, true);
  s.subscribe({{"t", {.retain_handling = 2}}});
  w.run();
  EXPECT_EQ(s.take(), "suback 00");
  s.subscribe({{"t", {.retain_handling = 1}}});
  w.run();
  EXPECT_EQ(s.take(), "suback 00") << "it is not new";
  s.subscribe({{"t", {.retain_handling = 0}}});
  w.run();
  EXPECT_EQ(s.take(), "suback 00; t=x q0 retain");
  s.unsubscribe("t");
  s.subscribe({{"t", {.retain_handling = 1}}});
  w.run();
  EXPECT_EQ(s.take(), "unsuback 00; suback 00; t=x q0 retain");
  s.subscribe("$share/g/t");
  w.run();
  EXPECT_EQ(s.take(), "suback 00") << "none for shared subscriptions";
}

TEST_F(RoutingSim, RetainedOverTheLimitIsRefused) {
  options limits;
  limits.retained_messages_max = 1;
  world& w = start(limits);
  client& p = ready("p");
  p.publish("t/1", "x", 1, true);
  p.publish("t/2", "x", 1, true);
  w.run();
  EXPECT_EQ(p.take(), "puback 1 10; puback 2 97");
  client& s = ready("s");
  subscribe(s, "t/2", 1);
  p.publish("t/2", "y", 1, true);
  w.run();
  EXPECT_EQ(p.take(), "puback 3 97");
  EXPECT_EQ(w.total([](const metrics::counters& c) -> auto& { return c.retained_refused; }), 2u);
}

TEST_F(RoutingSim, AStormOfRetainedMessagesIsPacedAndWhole) {
  options limits;
  limits.output_high_bytes = 4000;
  limits.output_low_bytes = 1000;
  limits.mailbox_messages_max = 500;
  world& w = start(limits, 2);
  client& p = ready("p");
  constexpr int n = 5000;
  for (int i = 0; i < n; ++i)
    p.publish("storm/" + std::to_string(i % 50) + "/" + std::to_string(i), "x", 0, true);
  w.run();
  client& s = ready("s", {}, v5, 1);
  s.connection().block();
  s.subscribe("storm/#", 1);
  w.run();
  EXPECT_LT(s.connection().unsent(), 40'000u) << "it waits for the client";
  s.connection().unblock();
  w.run();
  w.advance(1000);
  const auto got = s.take_packets();
  std::set<std::string> topics;
  for (const auto& g : got)
    if (g.type == mqtt::packet_type::publish) topics.insert(g.topic);
  EXPECT_EQ(topics.size(), static_cast<size_t>(n));
}

TEST_F(RoutingSim, AStormEndsWithItsSubscription) {
  options limits;
  limits.output_high_bytes = 4000;
  limits.output_low_bytes = 1000;
  limits.mailbox_messages_max = 500;
  world& w = start(limits);
  client& p = ready("p");
  for (int i = 0; i < 2000; ++i) p.publish("storm/" + std::to_string(i), "x", 0, true);
  w.run();
  client& s = ready("s");
  s.connection().block();
  s.subscribe("storm/#", 1);
  w.run();
  s.unsubscribe("storm/#");
  w.run();
  s.connection().unblock();
  w.run();
  EXPECT_LT(s.take_packets().size(), 1500u);
  client& t = ready("t");
  t.connection().block();
  t.subscribe("storm/#", 1);
  w.run();
  t.lose();
  w.run();
  EXPECT_EQ(w.total([](const metrics::counters& c) -> auto& { return c.sessions; }), 2u);
}

TEST_F(RoutingSim, P2pReachesTheClientWithoutASubscription) {
  world& w = start({}, 2);
  client& a = ready("GID@@@a", {}, v5, 0);
  client& b = ready("GID@@@b", {}, v311, 1);
  a.publish("chat/p2p/GID@@@b", "hi", 1);
  a.publish("chat/p2p/nobody", "hi", 1);
  w.run();
  EXPECT_EQ(b.take(), "chat/p2p/GID@@@b=hi q1");
  EXPECT_EQ(a.take(), "puback 1; puback 2 10");
}

TEST_F(RoutingSim, P2pWaitsForAPersistentClientThatIsOffline) {
  world& w = start({}, 2);
  client& b = w.make_client("b", v311);
  w.connect(b, persistent());
  b.disconnect();
  w.run();
  client& a = ready("a");
  a.publish("chat/p2p/b", "hi", 1);
  w.run();
  b.take();
  w.connect(b, persistent(), 1);
  EXPECT_EQ(b.payloads(), "hi");
}

TEST_F(RoutingSim, SysTopicsAreTheNodesAlone) {
  world& w = start({}, 2);
  client& all = ready("all");
  subscribe(all, "#", 0), subscribe(all, "+/broker/uptime", 0);
  client& s = ready("s");
  subscribe(s, "$SYS/#", 0);
  w.publish_from_node("$SYS/broker/uptime", "5 seconds");
  EXPECT_EQ(s.take(), "$SYS/broker/uptime=5 seconds q0");
  EXPECT_EQ(all.take(), "");
  client& late = ready("late");
  late.subscribe("$SYS/broker/+");
  w.run();
  EXPECT_EQ(late.take(), "suback 00; $SYS/broker/uptime=5 seconds q0 retain");
}

TEST_F(RoutingSim, WildcardsOfTheFirstLevelsSeeEveryShard) {
  world& w = start({}, 2);
  client& s = ready("s");
  subscribe(s, "+/+/c", 1);
  client& p = ready("p", {}, v5, 1);
  std::set<std::string> want, got;
  for (int i = 0; i < 20; ++i) {
    const auto topic = "a" + std::to_string(i) + "/b/c";
    want.insert(topic);
    p.publish(topic, "x", 1);
  }
  w.run();
  for (const auto& r : s.take_packets()) got.insert(r.topic);
  EXPECT_EQ(got, want);
}

}  // namespace
}  // namespace dunlin::sim
