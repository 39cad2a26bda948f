// Messages both ways: every QoS, acknowledgements and what they wait for, rules, resends, aliases.
#include "broker/mqtt/properties.hpp"
#include "tests/sim/sim_test.hpp"

namespace dunlin::sim {
namespace {

using mqtt::packet_type;
using mqtt::reason;

class PublishSim : public SimTest {};

TEST_F(PublishSim, EveryQoSReachesTheSubscriberAndIsAcknowledged) {
  world& w = start({}, 2);
  client& s = w.make_client("s");
  w.connect(s, {}, 1);
  s.subscribe("t", 2);
  client& p = w.make_client("p", v311);
  w.connect(p);
  s.take(), p.take();
  p.publish("t", "a", 0);
  p.publish("t", "b", 1);
  p.publish("t", "c", 2);
  w.run();
  EXPECT_EQ(p.take(), "puback 1; pubrec 2; pubcomp 2");
  EXPECT_EQ(s.take(), "t=a q0; t=b q1; t=c q2; pubrel 2");
}

TEST_F(PublishSim, TheLowerQoSHolds) {
  world& w = start();
  client& s = w.make_client("s");
  w.connect(s);
  s.subscribe("t", 1);
  w.run();
  s.take();
  s.publish("t", "a", 2);
  s.publish("t", "b", 0);
  w.run();
  const auto got = s.payloads();
  EXPECT_EQ(got, "a b");
}

TEST_F(PublishSim, NobodyThereIsTold) {
  world& w = start();
  client& p = w.make_client("p");
  client& old = w.make_client("old", v311);
  w.connect(p), w.connect(old);
  p.take(), old.take();
  p.publish("t", "a", 1);
  p.publish("t", "b", 2);
  old.publish("t", "c", 1);
  w.run();
  EXPECT_EQ(p.take(), "puback 1 10; pubrec 2 10; pubcomp 2");
  EXPECT_EQ(old.take(), "puback 1");
  EXPECT_EQ(w.dropped(metrics::drop_reason::no_subscriber), 3u);
}

TEST_F(PublishSim, AcksKeepTheirOrderWhicheverShardAnswersFirst) {
  world& w = start({}, 2);
  client& p = ready("p");
  std::string want;
  for (int i = 0; i < 20; ++i) {
    const auto id = p.publish("topic" + std::to_string(i), "x", 1);
    if (i % 5 == 4) w.turn(0);
    want += (i ? "; puback " : "puback ") + std::to_string(id) + " 10";
  }
  w.run();
  EXPECT_EQ(p.take(), want);
}

TEST_F(PublishSim, ResendsWhatWasNotAcknowledgedAfterAReconnect) {
  world& w = start();
  client& s = w.make_client("s");
  s.auto_ack = false;
  w.connect(s, persistent());
  s.subscribe("t", 2);
  client& p = w.make_client("p");
  w.connect(p);
  p.publish("t", "a", 1);
  p.publish("t", "b", 2);
  p.publish("t", "c", 1);
  w.run();
  EXPECT_EQ(s.take(), "connack 00; suback 02; t=a q1; t=b q2; t=c q1");
  s.ack(packet_type::puback, 3);
  s.ack(packet_type::pubrec, 2);
  w.run();
  EXPECT_EQ(s.take(), "pubrel 2");
  s.lose();
  w.run();
  p.publish("t", "d", 1);
  p.publish("t", "e", 0);
  w.run();
  s.auto_ack = true;
  w.connect(s, persistent());
  EXPECT_EQ(s.take(), "connack 00 present; t=a q1 dup; pubrel 2; t=d q1");
  EXPECT_EQ(w.dropped(metrics::drop_reason::not_connected), 1u);
}

TEST_F(PublishSim, AQoS2ResendIsNotDeliveredTwice) {
  world& w = start();
  client& s = w.make_client("s");
  w.connect(s);
  s.subscribe("t", 2);
  client& p = w.make_client("p");
  p.auto_ack = false;
  w.connect(p, persistent());
  s.take(), p.take();
  mqtt::publish m;
  m.topic = "t";
  m.payload = "once";
  m.qos = 2;
  m.packet_id = 5;
  p.send_publish(m);
  w.run();
  EXPECT_EQ(p.take(), "pubrec 5");
  p.lose();
  w.connect(p, persistent());
  m.dup = true;
  p.send_publish(m);
  w.run();
  EXPECT_EQ(p.take(), "connack 00 present; pubrec 5");
  p.ack(packet_type::pubrel, 5);
  w.run();
  EXPECT_EQ(p.take(), "pubcomp 5");
  p.ack(packet_type::pubrel, 5);
  w.run();
  EXPECT_EQ(p.take(), "pubcomp 5 92");
  EXPECT_EQ(s.payloads(), "once");
}

TEST_F(PublishSim, QueuesForAPersistentClientThatIsOffline) {
  options limits;
  limits.queue_messages_max = 3;
  world& w = start(limits);
  client& s = w.make_client("s", v311);
  w.connect(s, persistent());
  s.subscribe("t", 1);
  w.run();
  s.disconnect();
  client& p = w.make_client("p");
  w.connect(p);
  for (const char* x : {"a", "b", "c", "d"}) p.publish("t", x, 1);
  w.run();
  EXPECT_EQ(p.take(), "connack 00; puback 1; puback 2; puback 3; puback 4");
  EXPECT_EQ(w.dropped(metrics::drop_reason::queue_full), 1u);
  EXPECT_EQ(w.total([](const metrics::counters& c) -> auto& { return c.queued; }), 3u);
  s.take();
  w.connect(s, persistent());
  EXPECT_EQ(s.payloads(), "a b c");
}

TEST_F(PublishSim, ExpiredMessagesAreNotDelivered) {
  world& w = start();
  client& s = w.make_client("s");
  w.connect(s, persistent());
  s.subscribe("t", 1);
  w.run();
  s.disconnect();
  client& p = w.make_client("p");
  w.connect(p);
  mqtt::publish_properties props;
  props.message_expiry_interval = 5;
  p.publish("t", "short", 1, false, props);
  props.message_expiry_interval = 50;
  p.publish("t", "long", 1, false, props);
  w.run();
  w.advance(6'000);
  w.connect(s, persistent());
  EXPECT_EQ(s.payloads(), "long");
  EXPECT_EQ(w.total([](const metrics::counters& c) -> auto& { return c.expired; }), 1u);
}

TEST_F(PublishSim, PubackWaitsForTheRule) {
  world& w = start();
  auto& rule = w.bind_rule_to("up");
  client& p = ready("p");
  rule.how = fake_rule::mode::hold;
  p.publish("up/x", "a", 1);
  p.publish("other", "b", 1);
  w.run();
  EXPECT_EQ(p.take(), "");
  EXPECT_EQ(rule.held.size(), 1u);
  EXPECT_EQ(rule.records, std::vector<std::string>{"up/x=a"});
  rule.release_one();
  w.run();
  EXPECT_EQ(p.take(), "puback 1; puback 2 10");
  rule.how = fake_rule::mode::answer;
  p.publish("up", "c", 2);
  w.run();
  EXPECT_EQ(p.take(), "pubrec 3; pubcomp 3");
}

TEST_F(PublishSim, ARuleThatFailsRefusesThePublish) {
  world& w = start();
  auto& rule = w.bind_rule_to("up");
  client& p = w.make_client("p");
  client& old = w.make_client("old", v311);
  w.connect(p), w.connect(old);
  p.take(), old.take();
  rule.how = fake_rule::mode::hold;
  p.publish("up/x", "a", 1);
  p.publish("up/x", "b", 0);
  p.publish("up/x", "c", 2);
  w.run();
  while (!rule.held.empty()) rule.fail_one();
  w.run();
  EXPECT_EQ(p.take(), "puback 1 97; pubrec 2 97");
  rule.how = fake_rule::mode::fail;
  old.publish("up/x", "d", 1);
  w.run();
  EXPECT_EQ(old.take(), "closed");
}

TEST_F(PublishSim, ARuleThatNeverAnswersIsGivenUp) {
  world& w = start();
  auto& rule = w.bind_rule_to("up");
  rule.how = fake_rule::mode::hold;
  client& p = ready("p");
  p.publish("up/x", "a", 1);
  w.run();
  w.advance(59'000);
  EXPECT_EQ(p.take(), "");
  p.publish("up/x", "b", 1);
  w.run();
  w.advance(2'000);
  EXPECT_EQ(p.take(), "puback 1 97");
  EXPECT_EQ(w.check_identity(), "");
  rule.release_one();
  w.run();
  EXPECT_EQ(p.take(), "") << "too late";
  EXPECT_EQ(w.counters_text(),
            "published 2 delivered 0 queued 1 expired 0 refused 1 dropped 0 0 0 0 0 0 0");
  w.advance(59'000);
  EXPECT_EQ(p.take(), "puback 2 97");
}

TEST_F(PublishSim, WhatOneTurnBringsForARuleIsStoredTogether) {
  world& w = start();
  auto& rule = w.bind_rule_to("up");
  rule.how = fake_rule::mode::hold;
  client &a = ready("a"), &b = ready("b"), &c = ready("c");
  a.publish("up/x", "1", 1);
  b.publish("other", "2", 1);
  b.publish("up/x", "3", 1);
  c.publish("up/x", "4", 0);
  w.run();
  EXPECT_EQ(rule.requests, 1u);
  EXPECT_EQ(rule.records, (std::vector<std::string>{"up/x=1", "up/x=3", "up/x=4"}));
  EXPECT_EQ(a.take() + b.take() + c.take(), "");
  rule.release_one();
  w.run();
  EXPECT_EQ(a.take(), "puback 1");
  EXPECT_EQ(b.take(), "puback 1 10; puback 2");
  a.publish("up/x", "5", 1);
  b.publish("other", "6", 1);
  b.publish("up/x", "7", 1);
  w.run();
  EXPECT_EQ(rule.requests, 2u);
  rule.fail_one();
  w.run();
  EXPECT_EQ(a.take(), "puback 2 97") << "each hears of its own";
  EXPECT_EQ(b.take(), "puback 3 10; puback 4 97");
  EXPECT_EQ(w.check_identity(), "");
}

TEST_F(PublishSim, MuchForARuleIsStoredInSeveralPieces) {
  world& w = start();
  auto& rule = w.bind_rule_to("up");
  const std::string large(100'000, 'x');
  std::vector<client*> publishers;
  for (int i = 0; i < 7; ++i) publishers.push_back(&ready("p" + std::to_string(i)));
  for (client* p : publishers) p->publish("up/x", large, 1);
  w.run();
  EXPECT_EQ(rule.requests, 3u) << "three, three and one";
  EXPECT_EQ(rule.records.size(), 7u);
  for (client* p : publishers) EXPECT_EQ(p->take(), "puback 1");
}

TEST_F(PublishSim, AQoS2ResendWhoseFirstIsRefusedIsRefused) {
  world& w = start();
  auto& rule = w.bind_rule_to("up");
  rule.how = fake_rule::mode::hold;
  client& p = ready("p", persistent());
  mqtt::publish m;
  m.topic = "up/x";
  m.payload = "a";
  m.qos = 2;
  m.packet_id = 5;
  p.send_publish(m);
  w.run();
  p.lose();
  w.connect(p, persistent());
  m.dup = true;
  p.send_publish(m);
  w.run();
  EXPECT_EQ(p.take(), "connack 00 present");
  rule.fail_one();
  w.run();
  EXPECT_EQ(p.take(), "pubrec 5 97");
}

// A DISCONNECT or an error behind publishes of the same read: the will must not carry them away.
TEST_F(PublishSim, AConnectionThatEndsInMidReadStillWaitsForWhatItPublished) {
  world& w = start();
  auto& rule = w.bind_rule_to("up");
  rule.how = fake_rule::mode::hold;
  client& s = w.make_client("s");
  w.connect(s);
  s.subscribe("will"), s.subscribe("up/x", 2);
  client& p = w.make_client("p");
  auto o = persistent();
  mqtt::will_message will;
  will.topic = "will";
  will.payload = "gone";
  o.will = will;
  w.connect(p, o);
  s.take(), p.take();
  mqtt::publish m;
  m.topic = "up/x";
  m.payload = "a";
  m.qos = 2;
  m.packet_id = 5;
  std::string bytes;
  mqtt::encode(m, v5, bytes);
  bytes += std::string("\xF1\x00", 2);  // malformed
  p.send_bytes(bytes);
  w.run();
  EXPECT_EQ(p.take(), "disconnect 81; closed");
  w.connect(p, persistent());
  m.dup = true;
  p.send_publish(m);
  w.run();
  EXPECT_EQ(p.take(), "connack 00 present") << "the rule has not taken it yet";
  while (!rule.held.empty()) rule.fail_one();
  w.run();
  EXPECT_EQ(p.take(), "pubrec 5 97");
  const auto got = s.payloads();
  EXPECT_EQ(got, "a gone");
}

TEST_F(PublishSim, ReceiveMaximumIsOfTheConnection) {
  options limits;
  limits.receive_max = 3;
  world& w = start(limits);
  auto& rule = w.bind_rule_to("up");
  rule.how = fake_rule::mode::hold;
  client& p = w.make_client("p");
  w.connect(p, persistent());
  for (int i = 0; i < 3; ++i) p.publish("up/x", "a", 1);
  w.run();
  p.lose();
  w.connect(p, persistent());
  p.take();
  for (int i = 0; i < 3; ++i) p.publish("up/x", "a", 1);
  w.run();
  EXPECT_EQ(p.take(), "") << "three are allowed on each connection";
  p.publish("up/x", "one too many", 1);
  w.run();
  EXPECT_EQ(p.take(), "disconnect 93; closed");
  rule.how = fake_rule::mode::answer;
  while (!rule.held.empty()) rule.release_one();
}

TEST_F(PublishSim, TopicAliasesStandForTopics) {
  world& w = start();
  client& s = w.make_client("s");
  w.connect(s);
  s.subscribe("#");
  w.run();
  s.take();
  mqtt::publish_properties props;
  props.topic_alias = 3;
  s.publish("t", "a", 0, false, props);
  s.publish("", "b", 0, false, props);
  s.publish("u", "c", 0, false, props);
  s.publish("", "d", 0, false, props);
  w.run();
  EXPECT_EQ(s.take(), "t=a q0; t=b q0; u=c q0; u=d q0");
  props.topic_alias = 4;
  s.publish("", "e", 0, false, props);
  w.run();
  EXPECT_EQ(s.take(), "disconnect 82; closed");
  w.connect(s);
  s.take();
  props.topic_alias = 3;
  s.publish("", "f", 0, false, props);
  w.run();
  EXPECT_EQ(s.take(), "disconnect 82; closed") << "aliases end with their connection";
  w.connect(s);
  s.take();
  props.topic_alias = 65;
  s.publish("t", "g", 0, false, props);
  w.run();
  EXPECT_EQ(s.take(), "disconnect 94; closed");
}

TEST_F(PublishSim, LimitsAreAnswered) {
  options limits;
  limits.qos_max = 1;
  limits.retain_available = false;
  limits.payload_bytes_max = 10;
  world& w = start(limits);
  client& c = ready("c");
  c.publish("t", "12345678901", 1);
  c.publish("$SYS/x", "1", 1);
  w.run();
  EXPECT_EQ(c.take(), "puback 1 97; puback 2 87");
  c.publish("t", "x", 2);
  w.run();
  EXPECT_EQ(c.take(), "disconnect 9B; closed");
  w.connect(c);
  c.take();
  c.publish("t", "x", 0, true);
  w.run();
  EXPECT_EQ(c.take(), "disconnect 9A; closed");
}

TEST_F(PublishSim, PropertiesAreForwardedAndOldClientsGetNone) {
  world& w = start();
  client& five = w.make_client("five");
  client& old = w.make_client("old", v31);
  w.connect(five), w.connect(old);
  five.subscribe("t", 1), old.subscribe("t", 1);
  w.run();
  five.take(), old.take();
  std::string forwarded;
  mqtt::append_content_type("text", forwarded);
  mqtt::append_user_property({"k", "v"}, forwarded);
  mqtt::publish_properties props;
  props.forwarded = forwarded;
  five.publish("t", "a", 1, false, props);
  w.run();
  EXPECT_EQ(five.payloads(), "a");
  EXPECT_EQ(old.take(), "t=a q1");
}

TEST_F(PublishSim, ClientsPacketSizeIsKept) {
  world& w = start();
  client& s = w.make_client("s");
  w.connect(s, {.packet_max = 40});
  s.subscribe("t", 1);
  w.run();
  s.take();
  client& p = w.make_client("p");
  w.connect(p);
  p.publish("t", std::string(100, 'x'), 1);
  p.publish("t", std::string(100, 'x'), 0);
  p.publish("t", "small", 1);
  w.run();
  EXPECT_EQ(s.payloads(), "small");
  EXPECT_EQ(w.dropped(metrics::drop_reason::too_large), 2u);
}

TEST_F(PublishSim, TheClientsReceiveMaximumIsKept) {
  world& w = start();
  client& s = w.make_client("s");
  s.auto_ack = false;
  w.connect(s, {.receive_max = 2});
  s.subscribe("t", 1);
  client& p = w.make_client("p");
  w.connect(p);
  s.take();
  for (const char* x : {"a", "b", "c", "d"}) p.publish("t", x, 1);
  w.run();
  EXPECT_EQ(s.payloads(), "a b");
  s.ack(packet_type::puback, 1);
  s.ack(packet_type::puback, 2);
  w.run();
  EXPECT_EQ(s.payloads(), "c d");
}

TEST_F(PublishSim, IngressTellsWhatBecameOfEachMessage) {
  world& w = start({}, 2);
  client& s = w.make_client("s");
  w.connect(s, {}, 1);
  s.subscribe("cmd/x", 1);
  w.run();
  s.take();
  rules::inbound_message met{"cmd/x", "", "a", 1, {}, "", {}};
  rules::inbound_message p2p{"any/p2p/s", "shown/topic", "b", 1, {}, "", {}};
  rules::inbound_message none{"cmd/y", "", "c", 1, {}, "", {}};
  rules::inbound_message bad{"cmd/#", "", "d", 1, {}, "", {}};
  auto answer = w.inject({met, bad, none, p2p});
  EXPECT_EQ(*answer, "met refused no_receiver met");
  const auto got = s.take();
  EXPECT_NE(got.find("cmd/x=a q1"), std::string::npos) << got;
  EXPECT_NE(got.find("shown/topic=b q1"), std::string::npos) << got;
  EXPECT_EQ(*w.inject({bad}), "refused");
  EXPECT_EQ(*w.inject({}), "");
}

TEST_F(PublishSim, WhatARuleInjectsDoesNotGoOutByARule) {
  world& w = start();
  auto& rule = w.bind_rule_to("cmd");
  EXPECT_EQ(*w.inject({{"cmd/x", "", "a", 1, {}, "", {}}}), "met");
  EXPECT_EQ(rule.requests, 0u);
}

}  // namespace
}  // namespace dunlin::sim
