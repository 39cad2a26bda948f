// SUBSCRIBE and UNSUBSCRIBE of MQTT 5: options, identifiers, retained and shared (sections 3.8 to
// 3.11, 4.7, 4.8).
#include "tests/sim/sim_test.hpp"

namespace dunlin::sim {
namespace {

using mqtt::packet_type;
using mqtt::reason;

DUNLIN_ROW(SubscriptionIdentifier);
DUNLIN_ROW(NoLocal);
DUNLIN_ROW(RetainAsPublished);
DUNLIN_ROW(RetainHandling);
DUNLIN_ROW(SharedSubscription);
DUNLIN_ROW(Subscribe);
DUNLIN_ROW(TopicFilter);

TEST_F(SubscriptionIdentifier, MQTT_3_3_4_4_SeveralMatchesHaveSeveralIdentifiers) {
  world& w = start();
  client& c = w.make_client("c");
  w.connect(c);
  c.subscribe({{"a/+", {.qos = 0}}}, 1);
  c.subscribe({{"a/b", {.qos = 2}}}, 268'435'455);
  c.subscribe({{"#", {.qos = 1}}});
  w.run();
  c.take();
  c.publish("a/b", "x", 1);
  w.run();
  const std::string text = c.take();
  EXPECT_TRUE(text.find("q1 ids=1,268435455") != std::string::npos ||
              text.find("q1 ids=268435455,1") != std::string::npos)
      << text << " [MQTT-3.3.4-2]";
}

TEST_F(SubscriptionIdentifier, MQTT_3_3_4_3_OneMatchHasItsIdentifier) {
  world& w = start();
  client& c = w.make_client("c");
  w.connect(c);
  c.subscribe({{"t", {}}}, 7);
  w.run();
  c.take();
  c.publish("t", "x");
  w.run();
  EXPECT_EQ(c.take(), "t=x q0 ids=7");
  c.subscribe({{"t", {}}}, 8);  // replaces it [MQTT-3.8.4-3]
  c.publish("t", "x");
  w.run();
  EXPECT_EQ(c.take(), "suback 00; t=x q0 ids=8");
}

TEST_F(SubscriptionIdentifier, Clause_3_8_2_1_2_ZeroIsAProtocolError) {
  world& w = start();
  client& c = ready("c");
  c.subscribe({{"t", {}}}, 0);
  w.run();
  EXPECT_EQ(c.take(), "disconnect 82; closed");
}

TEST_F(NoLocal, MQTT_3_8_3_3_NotToTheOneWhoPublished) {
  world& w = start();
  client& a = w.make_client("a");
  client& b = w.make_client("b");
  for (client* c : {&a, &b}) {
    w.connect(*c);
    c->subscribe({{"t", {.no_local = true}}});
  }
  w.run();
  a.take();
  b.take();
  a.publish("t", "x");
  w.run();
  EXPECT_EQ(a.take(), "");
  EXPECT_EQ(b.take(), "t=x q0");
}

TEST_F(NoLocal, MQTT_3_8_3_4_OnASharedSubscriptionItIsAProtocolError) {
  world& w = start();
  client& c = ready("c");
  c.subscribe({{"$share/g/t", {.no_local = true}}});
  w.run();
  EXPECT_EQ(c.take(), "disconnect 82; closed");
}

TEST_F(RetainAsPublished, MQTT_3_3_1_13_TheFlagStaysWhenAsked_MQTT_3_3_1_12) {
  world& w = start();
  client& as_is = w.make_client("as_is");
  client& plain = w.make_client("plain");
  client& p = w.make_client("p");
  for (client* c : {&as_is, &plain, &p}) w.connect(*c);
  as_is.subscribe({{"t", {.retain_as_published = true}}});
  plain.subscribe("t");
  w.run();
  as_is.take();
  plain.take();
  p.publish("t", "x", 0, true);
  p.publish("t", "y");
  w.run();
  EXPECT_EQ(as_is.take(), "t=x q0 retain; t=y q0");
  EXPECT_EQ(plain.take(), "t=x q0; t=y q0");
}

TEST_F(RetainHandling, MQTT_3_3_1_9_0_SendsAlways_1_WhenNew_2_Never) {
  // [MQTT-3.3.1-9], [MQTT-3.3.1-10], [MQTT-3.3.1-11]
  world& w = start();
  client& p = w.make_client("p");
  w.connect(p);
  p.publish("t", "kept", 0, true);
  w.run();
  const char* first[] = {"suback 00; t=kept q0 retain", "suback 00; t=kept q0 retain", "suback 00"};
  const char* again[] = {"suback 00; t=kept q0 retain", "suback 00", "suback 00"};
  for (uint8_t handling : {0, 1, 2}) {
    client& c = w.make_client("c");
    w.connect(c);
    c.take();
    c.subscribe({{"t", {.retain_handling = handling}}});
    w.run();
    EXPECT_EQ(c.take(), first[handling]) << int{handling};
    c.subscribe({{"t", {.retain_handling = handling}}});
    w.run();
    EXPECT_EQ(c.take(), again[handling]) << int{handling};
  }
}

TEST_F(RetainHandling, MQTT_3_3_1_5_TheLastOneReplaces_AnEmptyOneRemoves_MQTT_3_3_1_6) {
  world& w = start();
  client& p = w.make_client("p");
  client& c = w.make_client("c");
  w.connect(p);
  w.connect(c);
  c.take();
  p.publish("t", "1", 0, true);
  p.publish("t", "2", 0, true);
  p.publish("t", "3");  // [MQTT-3.3.1-8]
  w.run();
  c.subscribe("t");
  w.run();
  EXPECT_EQ(c.take(), "suback 00; t=2 q0 retain");
  p.publish("t", "", 0, true);
  w.run();
  EXPECT_EQ(c.take(), "t= q0") << "subscribers get it as any other";
  c.subscribe("t");
  w.run();
  EXPECT_EQ(c.take(), "suback 00") << "[MQTT-3.3.1-7]";
}

TEST_F(SharedSubscription, MQTT_4_8_2_3_OneMemberGetsIt_WithItsOwnQoS) {
  world& w = start();
  std::vector<client*> members;
  for (auto v : {v31, v311, v5}) {
    members.push_back(&w.make_client("m" + std::to_string(static_cast<int>(v)), v));
    w.connect(*members.back());
    members.back()->subscribe("$share/g/t", v == v5 ? 0 : 1);
  }
  client& p = w.make_client("p");
  w.connect(p);
  w.run();
  for (client* c : members) c->take();
  for (int i = 0; i < 30; ++i) p.publish("t", "x", 1);
  w.run();
  size_t all = 0;
  for (client* c : members)
    for (const auto& r : c->take_packets()) {
      ++all;
      EXPECT_EQ(r.qos, c->version() == v5 ? 0 : 1);
    }
  EXPECT_EQ(all, 30u);
}

TEST_F(SharedSubscription, Clause_4_8_2_RetainedMessagesAreNotSentWhenItIsMade) {
  world& w = start();
  client& c = w.make_client("c");
  w.connect(c);
  c.publish("t", "kept", 0, true);
  w.run();
  c.take();
  c.subscribe("$share/g/t");
  w.run();
  EXPECT_EQ(c.take(), "suback 00");
}

TEST_F(SharedSubscription, MQTT_4_8_2_1_TheGroupHasAName_MQTT_4_8_2_2) {
  world& w = start();
  for (const char* filter : {"$share//t", "$share/g", "$share/g/", "$share/+/t", "$share/g#/t"}) {
    for (auto v : {v311, v5}) {
      client& c = w.make_client("c", v);
      w.connect(c);
      c.take();
      c.subscribe(filter);
      w.run();
      EXPECT_EQ(c.take(), v == v5 ? "disconnect 8F; closed" : "closed") << filter;
    }
  }
}

TEST_F(SharedSubscription, MQTT_4_8_2_5_WhatAMemberDidNotAcknowledgeGoesToAnother) {
  world& w = start();
  client& a = w.make_client("a");
  client& b = w.make_client("b");
  client& p = w.make_client("p");
  for (client* c : {&a, &p}) w.connect(*c);
  a.subscribe("$share/g/t", 1);
  w.run();
  a.auto_ack = false;
  p.publish("t", "x", 1);
  w.run();
  w.connect(b);
  b.subscribe("$share/g/t", 1);
  w.run();
  a.lose();
  w.run();
  EXPECT_EQ(b.payloads(), "x");
}

TEST_F(Subscribe, MQTT_3_8_4_6_OneCodeForEachFilter_MQTT_3_8_4_5) {
  world& w = start();
  for (auto v : {v31, v311, v5}) {
    client& c = w.make_client("c", v);
    w.connect(c);
    c.take();
    c.subscribe({{"a", {.qos = 2}}, {"b", {.qos = 0}}, {"c", {.qos = 1}}, {"a", {.qos = 1}}});
    w.run();
    EXPECT_EQ(c.take(), "suback 02 00 01 01") << "[MQTT-3.8.4-1], [MQTT-3.8.4-8]";
  }
}

TEST_F(Subscribe, MQTT_3_8_1_1_ReservedFlags_AndNoFilter_MQTT_3_8_3_2) {
  world& w = start();
  for (auto bytes :
       {std::string_view("\x80\x07\0\1\0\0\1t\0", 9), std::string_view("\x82\x03\0\1\0", 5)}) {
    client& c = w.make_client("c");
    w.connect(c);
    c.take();
    c.send_bytes(bytes);
    w.run();
    EXPECT_EQ(c.take(), bytes[0] == '\x80' ? "disconnect 81; closed" : "disconnect 82; closed");
  }
}

TEST_F(Subscribe, MQTT_3_10_4_5_UnsubackHasACodeForEachFilter) {
  world& w = start();
  client& c = w.make_client("c");
  w.connect(c);
  c.subscribe("a");
  w.run();
  c.take();
  c.unsubscribe("a");
  w.run();
  c.unsubscribe("a");
  w.run();
  EXPECT_EQ(c.take(), "unsuback 00; unsuback 11") << "[MQTT-3.11.3-1]";
  c.publish("a", "x");
  w.run();
  EXPECT_EQ(c.take(), "") << "[MQTT-3.10.4-2]";
  client& old = ready("old", {}, v311);
  old.unsubscribe("a");
  w.run();
  EXPECT_EQ(old.take(), "unsuback") << "[MQTT-3.10.4-5 of 3.1.1]";
}

TEST_F(Subscribe, MQTT_3_10_4_3_WhatIsInFlightIsFinished) {
  world& w = start();
  client& c = ready("c");
  client& p = ready("p");
  subscribe(c, "a", 2);
  c.auto_ack = false;
  p.publish("a", "x", 2);
  w.run();
  c.unsubscribe("a");
  w.run();
  c.ack(packet_type::pubrec, 1);
  w.run();
  c.ack(packet_type::pubcomp, 1);
  w.run();
  EXPECT_EQ(c.take(), "a=x q2; unsuback 00; pubrel 1");
}

TEST_F(TopicFilter, MQTT_4_7_1_1_WildcardsStandAlone_MQTT_4_7_1_2) {
  world& w = start();
  for (const char* filter : {"a#", "a/#/b", "a+", "+a/b", "", "#/"}) {
    client& c = w.make_client("c");
    w.connect(c);
    c.take();
    c.subscribe(filter);
    w.run();
    EXPECT_EQ(c.take(), "disconnect 8F; closed") << filter << " [MQTT-4.7.3-1]";
  }
}

TEST_F(TopicFilter, MQTT_4_7_2_1_AWildcardInFrontIsNotForDollarTopics) {
  world& w = start();
  client& c = w.make_client("c");
  w.connect(c);
  c.subscribe({{"#", {}}, {"+/monitor", {}}});
  w.run();
  c.take();
  w.publish_from_node("$SYS/monitor", "x");
  EXPECT_EQ(c.take(), "");
  c.subscribe("$SYS/#");
  w.run();
  EXPECT_EQ(c.take(), "suback 00; $SYS/monitor=x q0 retain");
}

TEST_F(TopicFilter, WellFormedAndNotAllowedIsRefusedInSuback) {
  options limits;
  limits.topic_levels_max = 3;
  world& w = start(limits);
  client& c = ready("c");
  c.subscribe({{"a/b/c", {}}, {"a/b/c/d", {}}});
  w.run();
  EXPECT_EQ(c.take(), "suback 00 8F");
}

}  // namespace
}  // namespace dunlin::sim
