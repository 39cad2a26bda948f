// CONNECT, CONNACK, DISCONNECT, and the session of MQTT 5 (sections 3.1, 3.2, 3.14, 4.1),
// and what 3.1.1 and 3.1 say where they differ.
#include "tests/sim/sim_test.hpp"

namespace dunlin::sim {
namespace {

using mqtt::reason;

DUNLIN_ROW(SessionExpiry);
DUNLIN_ROW(Connect);
DUNLIN_ROW(Connack);
DUNLIN_ROW(Disconnect);
DUNLIN_ROW(ServerReference);
DUNLIN_ROW(ProblemInformation);
DUNLIN_ROW(ResponseInformation);

uint64_t sessions(const world& w) {
  return w.total([](const metrics::counters& c) -> auto& { return c.sessions; });
}
bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

mqtt::will_message will_of(std::string_view topic, uint32_t delay_s = 0) {
  mqtt::will_message w;
  w.topic = topic;
  w.payload = "gone";
  w.delay_interval_s = delay_s;
  return w;
}

// -- session expiry --

TEST_F(SessionExpiry, Clause_3_1_2_11_2_AbsentMeansThatItEndsWithTheConnection) {
  world& w = start();
  client& c = w.make_client("c");
  w.connect(c, {.clean = false});
  c.lose();
  w.run();
  EXPECT_EQ(sessions(w), 0u);
}

TEST_F(SessionExpiry, MQTT_3_1_2_23_KeptUntilItsTimeIsOver) {
  world& w = start();
  client& c = w.make_client("c");
  w.connect(c, persistent(100));
  c.lose();
  w.run();
  w.advance(99'000);
  EXPECT_EQ(sessions(w), 1u);
  w.advance(1'200);
  EXPECT_EQ(sessions(w), 0u);
}

TEST_F(SessionExpiry, MQTT_4_1_0_1_NotDiscardedWhileTheConnectionIsOpen) {
  world& w = start();
  client& c = w.make_client("c");
  w.connect(c, persistent(10));
  w.advance(60'000);
  EXPECT_EQ(sessions(w), 1u);
  EXPECT_TRUE(c.open());
}

TEST_F(SessionExpiry, Clause_3_14_2_2_2_ChangedInDisconnect) {
  world& w = start();
  client& c = w.make_client("c");
  w.connect(c, persistent(1000));
  c.disconnect(reason::success, 5);
  w.run();
  w.advance(5'200);
  EXPECT_EQ(sessions(w), 0u);
  w.connect(c, persistent(5));
  c.disconnect(reason::success, 1000);
  w.run();
  w.advance(900'000);
  EXPECT_EQ(sessions(w), 1u);
  w.connect(c, persistent(5));
  c.disconnect(reason::success, 0);
  w.run();
  EXPECT_EQ(sessions(w), 0u);
}

TEST_F(SessionExpiry, Clause_3_14_2_2_2_NotRaisedFromNothing) {
  world& w = start();
  client& c = ready("c");
  c.disconnect(reason::success, 1);
  w.run();
  EXPECT_EQ(c.take(), "disconnect 82; closed");
}

TEST_F(SessionExpiry, Clause_3_2_2_3_2_TheServersOwnValueIsTold) {
  options limits;
  limits.session_expiry_max_s = 50;
  world& w = start(limits);
  client& c = w.make_client("c");
  w.connect(c, persistent(100));
  EXPECT_TRUE(has(c.take_properties(), "session_expiry=50"));
  client& d = w.make_client("d");
  w.connect(d, persistent(40));
  EXPECT_FALSE(has(d.take_properties(), "session_expiry"));
}

// -- connect --

TEST_F(Connect, MQTT_3_1_0_1_TheFirstPacketIsConnect) {
  world& w = start();
  client& c = w.make_client("c");
  w.open(c);
  c.ping();
  w.run();
  EXPECT_EQ(c.take(), "closed");
}

TEST_F(Connect, MQTT_3_1_0_2_ASecondOneIsAProtocolError) {
  world& w = start();
  for (auto v : {v31, v311, v5}) {
    client& c = w.make_client("c", v);
    w.connect(c);
    c.take();
    c.connect(w.reactor(0));
    w.run();
    EXPECT_EQ(c.take(), v == v5 ? "disconnect 82; closed" : "closed");
  }
}

TEST_F(Connect, MQTT_3_1_2_2_AnUnknownVersionIsToldInTheFormOfTheNearest) {
  world& w = start();
  client& six = w.make_client("c");
  w.open(six);
  six.send_bytes(std::string_view("\x10\x0e\0\4MQTT\6\2\0\0\0\0\1c", 16));
  w.run();
  EXPECT_EQ(six.take(), "connack 84; closed");
  client& two = w.make_client("c", v311);
  w.open(two);
  two.send_bytes(std::string_view("\x10\x0d\0\4MQTT\2\2\0\0\0\1c", 15));
  w.run();
  EXPECT_EQ(two.take(), "connack 84; closed") << "return code 1";
}

TEST_F(Connect, MQTT_3_1_2_3_TheReservedFlagIsZero) {
  world& w = start();
  client& c = w.make_client("c");
  w.open(c);
  c.send_bytes(std::string_view("\x10\x0e\0\4MQTT\5\3\0\0\0\0\1c", 16));
  w.run();
  EXPECT_EQ(c.take(), "connack 81; closed");
}

TEST_F(Connect, MQTT311_3_1_4_1_MalformedIsClosedWithoutConnack) {
  world& w = start();
  client& c = w.make_client("c", v311);
  w.open(c);
  c.send_bytes(std::string_view("\x10\x0d\0\4MQTT\4\3\0\0\0\1c", 15));
  w.run();
  EXPECT_EQ(c.take(), "closed");
}

TEST_F(Connect, MQTT_3_1_2_4_CleanStartDiscardsTheSession) {
  world& w = start();
  client& c = w.make_client("c");
  w.connect(c, persistent());
  c.subscribe("t", 1);
  w.run();
  c.lose();
  w.run();
  c.take();
  w.connect(c, {.clean = true, .expiry_s = 100});
  EXPECT_EQ(c.take(), "connack 00");
  client& p = w.make_client("p");
  w.connect(p);
  p.publish("t", "x", 1);
  w.run();
  EXPECT_EQ(c.payloads(), "");
}

TEST_F(Connect, MQTT_3_1_2_5_AKeptSessionGoesOn_MQTT_3_2_2_3) {
  world& w = start();
  client& c = w.make_client("c");
  w.connect(c, persistent());
  c.subscribe("t", 1);
  w.run();
  c.lose();
  client& p = w.make_client("p");
  w.connect(p);
  p.publish("t", "x", 1);
  w.run();
  c.take();
  w.connect(c, persistent());
  EXPECT_EQ(c.take(), "connack 00 present; t=x q1");
}

TEST_F(Connect, MQTT_3_1_2_6_WithoutASessionPresentIsZero) {
  world& w = start();
  client& c = w.make_client("c");
  w.connect(c, persistent());
  EXPECT_EQ(c.take(), "connack 00");
}

TEST_F(Connect, MQTT_3_1_2_22_OneAndAHalfKeepAlives) {
  world& w = start();
  for (auto v : {v31, v311, v5}) {
    client& c = w.make_client("c", v);
    w.connect(c, {.keep_alive_s = 4});
    c.take();
    w.advance(5'800);
    EXPECT_EQ(c.take(), "");
    w.advance(400);
    EXPECT_EQ(c.take(), v == v5 ? "disconnect 8D; closed" : "closed");
  }
}

TEST_F(Connect, MQTT_3_1_4_3_TheOlderConnectionIsTold0x8E) {
  world& w = start();
  client& one = w.make_client("same");
  client& two = w.make_client("same");
  w.connect(one);
  w.connect(two);
  EXPECT_EQ(one.take(), "connack 00; disconnect 8E; closed");
  EXPECT_EQ(two.take(), "connack 00");
}

TEST_F(Connect, MQTT_3_1_3_6_AnEmptyClientIdGetsOne_MQTT_3_2_2_16) {
  world& w = start();
  client& c = w.make_client("");
  w.connect(c);
  EXPECT_TRUE(has(c.take_properties(), "assigned=auto-"));
  client& old = w.make_client("", v311);
  w.connect(old);
  EXPECT_EQ(old.take(), "connack 00");
}

TEST_F(Connect, MQTT311_3_1_3_8_AnEmptyClientIdWithASessionToKeepIsRefused) {
  world& w = start();
  client& c = w.make_client("", v311);
  w.connect(c, {.clean = false});
  EXPECT_EQ(c.take(), "connack 85; closed") << "return code 2 [MQTT311-3.1.3-9]";
}

TEST_F(Connect, MQTT31_ClientIdsHaveOneTo23Characters) {
  world& w = start();
  struct row {
    std::string id;
    const char* answer;
  };
  for (const row& r : {row{"", "connack 85; closed"}, row{std::string(23, 'a'), "connack 00"},
                       row{std::string(24, 'a'), "connack 85; closed"}}) {
    client& c = w.make_client(r.id, v31);
    w.connect(c);
    EXPECT_EQ(c.take(), r.answer) << r.id;
  }
  client& newer = w.make_client(std::string(24, 'a'), v311);
  w.connect(newer);
  EXPECT_EQ(newer.take(), "connack 00");
}

// -- connack --

TEST_F(Connack, MQTT_3_2_2_21_ServerKeepAlive) {
  options limits;
  limits.keep_alive_max_s = 30;
  world& w = start(limits);
  for (uint16_t asked : {60, 0}) {
    client& c = w.make_client("c");
    w.connect(c, {.keep_alive_s = asked});
    EXPECT_TRUE(has(c.take_properties(), "keep_alive=30"));
    w.advance(45'200);
    EXPECT_EQ(c.take(), "disconnect 8D; closed");
  }
  client& c = w.make_client("c");
  w.connect(c, {.keep_alive_s = 30});
  EXPECT_FALSE(has(c.take_properties(), "keep_alive"));
}

TEST_F(Connack, MQTT_3_2_2_9_WhatTheServerLacksIsTold_AndRefused) {
  options limits;
  limits.qos_max = 1;
  limits.retain_available = limits.wildcard_available = limits.shared_available = false;
  limits.receive_max = 7;
  world& w = start(limits);
  client& c = w.make_client("c");
  w.connect(c);
  const std::string p = c.take_properties();
  for (const char* part : {"receive_maximum=7", "maximum_qos=1", "retain_available=0",
                           "wildcard_available=0", "shared_available=0"})
    EXPECT_TRUE(has(p, part)) << p;
  c.subscribe({{"a/#", {}}, {"$share/g/a", {}}, {"a", {.qos = 2}}});
  w.run();
  EXPECT_EQ(c.take(), "suback A2 9E 01") << "[MQTT-3.2.2-10]: a lower QoS is granted";
  c.publish("a", "x", 2);  // [MQTT-3.2.2-11]
  w.run();
  EXPECT_EQ(c.take(), "disconnect 9B; closed");
  w.connect(c);
  c.publish("a", "x", 0, true);  // [MQTT-3.2.2-14]
  w.run();
  EXPECT_EQ(c.take(), "connack 00; disconnect 9A; closed");
  connect_options o;
  o.will = will_of("will");
  o.will->qos = 2;
  w.connect(c, o);
  EXPECT_EQ(c.take(), "connack 9B; closed") << "[MQTT-3.2.2-12]";
  o.will->qos = 1;
  o.will->retain = true;
  w.connect(c, o);
  EXPECT_EQ(c.take(), "connack 9A; closed") << "[MQTT-3.2.2-13]";
}

TEST_F(Connack, MQTT_3_1_2_24_NoPacketOverTheClientsMaximum) {
  world& w = start();
  client& c = w.make_client("c");
  w.connect(c, {.packet_max = 5});
  EXPECT_EQ(c.take(), "connack 95; closed");
}

// -- disconnect --

TEST_F(Disconnect, MQTT_3_14_1_1_ReservedFlags) {
  world& w = start();
  client& c = ready("c");
  c.send_bytes(std::string_view("\xE1\0", 2));
  w.run();
  EXPECT_EQ(c.take(), "disconnect 81; closed");
}

TEST_F(Disconnect, Clause_3_14_2_2_3_TheReasonStringSaysWhy) {
  world& w = start();
  client& c = w.make_client("c");
  w.connect(c);
  c.publish("", "x");
  w.run();
  EXPECT_EQ(c.take_properties(), "reason=no topic and no topic alias");
}

TEST_F(Disconnect, MQTT_3_14_2_3_NotWhenItWouldNotFit) {
  world& w = start();
  client& c = w.make_client("c");
  w.connect(c, {.packet_max = 30});
  c.publish("", "x");
  w.run();
  EXPECT_EQ(c.take_properties(), "");
}

// -- server reference --

TEST_F(ServerReference, Clause_3_14_2_2_5_ToldWhenTheNodeDrains) {
  world& w = start();
  for (bool moved : {false, true}) {
    w.change_settings([moved](settings& s) {
      s.mqtt.server_reference = "other:1883";
      s.mqtt.server_moved = moved;
    });
    client& c = w.make_client("c");
    client& old = w.make_client("old", v311);
    client& late = w.make_client("late");
    client& late_old = w.make_client("late_old", v311);
    w.dir().draining = false;
    w.connect(c);
    w.connect(old);
    c.take();
    old.take();
    w.dir().draining = true;
    for (const auto& r : w.dir().registries) caf::anon_send(r, shut_down{});
    w.run();
    const auto got = c.take_packets();
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].text, moved ? "disconnect 9D" : "disconnect 9C");
    EXPECT_TRUE(has(got[0].properties, "server_reference=other:1883"));
    EXPECT_EQ(old.take(), "closed");
    w.connect(late);
    const auto refused = late.take_packets();  // [MQTT-3.2.2.3.16]
    ASSERT_EQ(refused.size(), 1u);
    EXPECT_EQ(refused[0].text, moved ? "connack 9D" : "connack 9C");
    EXPECT_TRUE(has(refused[0].properties, "server_reference=other:1883"));
    w.connect(late_old);
    EXPECT_EQ(late_old.take(), "connack 88; closed") << "return code 3";
  }
}

TEST_F(ServerReference, WithoutOneTheServerShutsDown) {
  world& w = start();
  client& c = ready("c");
  for (const auto& r : w.dir().registries) caf::anon_send(r, shut_down{});
  w.run();
  EXPECT_EQ(c.take(), "disconnect 8B; closed");
}

// -- request problem information, request response information --

TEST_F(ProblemInformation, MQTT_3_1_2_29_ReasonStringsOnlyWhereTheyAreWanted) {
  options limits;
  limits.payload_bytes_max = 3;
  limits.wildcard_available = false;
  world& w = start(limits);
  for (bool wanted : {true, false}) {
    client& c = w.make_client("c");
    connect_options o;
    if (!wanted) o.props.request_problem_information = false;
    w.connect(c, o);
    c.take();
    std::vector<std::string> reasons;
    for (uint8_t qos : {1, 2}) {
      c.publish("t", "long", qos);
      w.run();
      for (const auto& r : c.take_packets())
        if (r.code == reason::quota_exceeded) reasons.push_back(r.properties);
    }
    c.subscribe("a/#");
    w.run();
    reasons.push_back(c.take_properties());
    EXPECT_EQ(reasons.size(), 3u);
    for (const auto& r : reasons) EXPECT_EQ(has(r, "reason="), wanted) << r;
  }
}

TEST_F(ProblemInformation, MQTT_3_4_2_2_NotWhenItWouldNotFit) {
  options limits;
  limits.payload_bytes_max = 3;
  limits.wildcard_available = false;
  world& w = start(limits);
  client& c = ready("c", {.packet_max = 40});
  c.publish("t", "long", 1);  // [MQTT-3.5.2-2] alike
  c.subscribe("a/#");         // [MQTT-3.9.2-1]
  w.run();
  for (const auto& r : c.take_packets()) EXPECT_EQ(r.properties, "") << r.text;
}

TEST_F(ResponseInformation, MQTT_3_1_2_28_OnlyForThoseWhoAsk) {
  world& w = start();
  client& c = w.make_client("c7");
  connect_options asks;
  asks.props.request_response_information = true;
  w.connect(c, asks);
  EXPECT_FALSE(has(c.take_properties(), "response_information")) << "nothing is configured";
  w.change_settings([](settings& s) { s.mqtt.response_topic_prefix = "reply/%c/"; });
  w.connect(c, asks);
  EXPECT_TRUE(has(c.take_properties(), "response_information=reply/c7/"));
  w.connect(c);
  EXPECT_FALSE(has(c.take_properties(), "response_information"));
}

}  // namespace
}  // namespace dunlin::sim
