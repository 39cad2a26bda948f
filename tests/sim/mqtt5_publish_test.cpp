// PUBLISH of MQTT 5 and its acknowledgements: expiry, flow control, packet size, properties, QoS
// (sections 3.3 to 3.7, 4.3, 4.4, 4.6, 4.9).
#include "broker/mqtt/properties.hpp"
#include "tests/sim/sim_test.hpp"

namespace dunlin::sim {
namespace {

using mqtt::packet_type;
using mqtt::reason;

DUNLIN_ROW(MessageExpiry);
DUNLIN_ROW(ReceiveMaximum);
DUNLIN_ROW(MaximumPacketSize);
DUNLIN_ROW(Properties);
DUNLIN_ROW(PayloadFormat);
DUNLIN_ROW(Publish);
DUNLIN_ROW(QualityOfService);

mqtt::publish_properties expiring(uint32_t s) {
  mqtt::publish_properties p;
  p.message_expiry_interval = s;
  return p;
}

// -- message expiry --

TEST_F(MessageExpiry, MQTT_3_3_2_5_AQueuedMessageThatIsTooOldIsDeleted) {
  world& w = start();
  client& s = w.make_client("s");
  client& p = w.make_client("p");
  w.connect(s, persistent());
  w.connect(p);
  s.subscribe("t", 1);
  w.run();
  s.lose();
  w.run();
  p.publish("t", "short", 1, false, expiring(5));
  p.publish("t", "long", 1, false, expiring(50));
  w.advance(6'000);
  w.connect(s, persistent());
  EXPECT_EQ(s.payloads(), "long");
  EXPECT_EQ(w.total([](const metrics::counters& c) -> auto& { return c.expired; }), 1u);
}

TEST_F(MessageExpiry, MQTT_3_3_2_6_CountedDownWhileItWaits) {
  world& w = start();
  client& s = w.make_client("s");
  client& p = w.make_client("p");
  w.connect(s, persistent());
  w.connect(p);
  s.subscribe("t", 1);
  w.run();
  s.take();
  p.publish("t", "now", 1, false, expiring(50));
  w.run();
  EXPECT_EQ(s.take_properties(), "expiry=50");
  s.lose();
  w.run();
  p.publish("t", "later", 1, false, expiring(50));
  w.run();
  w.advance(20'000);
  w.connect(s, persistent());
  EXPECT_EQ(s.take_properties(), "expiry=30");
}

TEST_F(MessageExpiry, Clause_3_3_2_3_3_ARetainedMessageExpires) {
  world& w = start();
  client& s = w.make_client("s");
  w.connect(s);
  s.publish("t", "x", 0, true, expiring(10));
  w.run();
  w.advance(4'000);
  s.subscribe("t");
  w.run();
  EXPECT_EQ(s.take_properties(), "expiry=6");
  w.advance(7'000);
  s.subscribe("t");
  w.run();
  EXPECT_EQ(s.take(), "suback 00");
}

// -- receive maximum --

TEST_F(ReceiveMaximum, MQTT_3_3_4_9_NeverMoreThanTheClientTakes) {
  world& w = start();
  client& s = w.make_client("s");
  client& p = w.make_client("p");
  w.connect(s, {.receive_max = 2});
  w.connect(p);
  s.subscribe("t", 2);
  w.run();
  s.take();
  s.auto_ack = false;
  for (int i = 1; i <= 4; ++i) p.publish("t", std::to_string(i), i % 2 ? 1 : 2);
  p.publish("t", "0", 0);
  w.run();
  EXPECT_EQ(s.take(), "t=1 q1; t=2 q2; t=0 q0") << "QoS 0 is not bounded [MQTT-4.9.0-2]";
  s.ack(packet_type::puback, 1);
  w.run();
  EXPECT_EQ(s.take(), "t=3 q1");
  s.ack(packet_type::pubrec, 2);
  w.run();
  EXPECT_EQ(s.take(), "pubrel 2") << "PUBREC alone frees nothing";
  s.ack(packet_type::pubcomp, 2);
  w.run();
  EXPECT_EQ(s.take(), "t=4 q2");
  s.ack(packet_type::pubrec, 4, reason::quota_exceeded);
  s.ack(packet_type::puback, 3);
  w.run();
}

TEST_F(ReceiveMaximum, MQTT_3_3_4_7_AClientThatSendsMoreIsToldAndClosed) {
  options limits;
  limits.receive_max = 2;
  world& w = start(limits);
  client& p = ready("p");
  p.auto_ack = false;
  for (int i = 0; i < 3; ++i) p.publish("t", "x", 2);
  w.run();
  const std::string text = p.take();
  EXPECT_NE(text.find("disconnect 93; closed"), std::string::npos) << text;
}

// -- maximum packet size --

TEST_F(MaximumPacketSize, MQTT_3_1_2_25_TooLargeIsDroppedForThatOneAlone) {
  world& w = start();
  client& small = w.make_client("small");
  client& large = w.make_client("large");
  client& p = w.make_client("p");
  w.connect(small, {.packet_max = 50});
  w.connect(large);
  w.connect(p);
  for (client* c : {&small, &large}) c->subscribe("t", 2);
  w.run();
  for (uint8_t qos : {0, 1, 2}) p.publish("t", std::string(60, 'x'), qos);
  p.publish("t", "end", 1);
  w.run();
  EXPECT_EQ(small.payloads(), "end") << "as if it had been sent";
  EXPECT_EQ(large.take_packets().size(), 2u + 3u + 1u + 1u);  // and the PUBREL
  EXPECT_EQ(w.dropped(metrics::drop_reason::too_large), 3u);
}

TEST_F(MaximumPacketSize, MQTT_3_2_2_15_TheServersIsToldAndKept) {
  options limits;
  limits.packet_bytes_max = 200;
  world& w = start(limits);
  client& p = w.make_client("p");
  w.connect(p);
  EXPECT_NE(p.take_properties().find("maximum_packet_size=200"), std::string::npos);
  p.publish("t", std::string(200, 'x'));
  w.run();
  EXPECT_EQ(p.take(), "disconnect 95; closed");
}

// -- properties --

TEST_F(Properties, MQTT_3_3_2_18_ForwardedUnalteredAndInOrder) {
  // Also [MQTT-3.3.2-4, -15, -16, -17, -20].
  world& w = start();
  client& s = w.make_client("s");
  client& old = w.make_client("old", v311);
  client& p = w.make_client("p");
  w.connect(s);
  w.connect(old);
  w.connect(p);
  s.subscribe("t");
  old.subscribe("t");
  w.run();
  old.take();
  std::string block;
  mqtt::append_user_property({"b", "1"}, block);
  mqtt::append_payload_is_utf8(block);
  mqtt::append_content_type("text", block);
  mqtt::append_user_property({"a", "2"}, block);
  mqtt::append_response_topic("r/s", block);
  mqtt::append_correlation_data("42", block);
  mqtt::append_user_property({"b", "1"}, block);
  p.publish("t", "x", 0, false, mqtt::parse_forwarded(block));
  w.run();
  EXPECT_EQ(s.take_properties(),
            "utf8 content_type=text response_topic=r/s correlation=42 b:1 a:2 b:1");
  EXPECT_EQ(old.take(), "t=x q0");
}

TEST_F(Properties, MQTT_3_3_2_14_AResponseTopicHasNoWildcard) {
  world& w = start();
  client& p = ready("p");
  std::string block;
  mqtt::append_response_topic("r/#", block);
  p.publish("t", "x", 0, false, mqtt::parse_forwarded(block));
  w.run();
  EXPECT_EQ(p.take(), "disconnect 90; closed");
}

TEST_F(PayloadFormat, Clause_3_3_2_3_2_ValidatedWhenAsked) {
  world& w = start();
  client& s = ready("s");
  client& p = ready("p");
  subscribe(s, "t", 2);
  std::string block;
  mqtt::append_payload_is_utf8(block);
  const auto utf8 = mqtt::parse_forwarded(block);
  p.publish("t", "\xFF", 1, false, utf8);
  w.run();
  EXPECT_EQ(p.take(), "puback 1");
  EXPECT_EQ(s.payloads(), "\xFF");
  w.change_settings([](settings& c) { c.mqtt.validate_payload_format = true; });
  for (uint8_t qos : {0, 1, 2}) p.publish("t", "\xFF", qos, false, utf8);
  p.publish("t", "\xC3\xA4", 1, false, utf8);
  p.publish("t", "\xFF\xFF", 1);
  w.run();
  EXPECT_EQ(p.take(), "puback 2 99; pubrec 3 99; puback 4; puback 5");
  EXPECT_EQ(s.payloads(), "\xC3\xA4 \xFF\xFF");
  connect_options o;
  mqtt::will_message will;
  will.topic = "t";
  will.payload = "\xFF";
  will.props = utf8;
  o.will = will;
  client& c = w.make_client("c");
  w.connect(c, o);
  EXPECT_EQ(c.take(), "connack 99; closed");
}

// -- publish --

TEST_F(Publish, MQTT_3_3_1_4_QoS3IsMalformed) {
  world& w = start();
  for (auto v : {v31, v311, v5}) {
    client& c = w.make_client("c", v);
    w.connect(c);
    c.take();
    c.send_bytes(std::string_view("\x36\x05\0\1t\0\1", 7));
    w.run();
    EXPECT_EQ(c.take(), v == v5 ? "disconnect 81; closed" : "closed");
  }
}

TEST_F(Publish, MQTT_3_3_1_2_DupIsZeroWithQoS0) {
  world& w = start();
  client& c = ready("c");
  c.send_bytes(std::string_view("\x38\x04\0\1t\0", 6));
  w.run();
  EXPECT_EQ(c.take(), "disconnect 81; closed");
}

TEST_F(Publish, MQTT_3_3_2_2_NoWildcardInATopicName) {
  world& w = start();
  for (const char* topic : {"a/+", "#"}) {
    client& c = w.make_client("c");
    w.connect(c);
    c.take();
    c.publish(topic, "x");
    w.run();
    EXPECT_EQ(c.take(), "disconnect 90; closed");
  }
}

TEST_F(Publish, MQTT_3_3_4_6_NoSubscriptionIdentifierFromAClient) {
  world& w = start();
  client& c = ready("c");
  std::string id;
  mqtt::append_subscription_identifier(7, id);
  mqtt::publish_properties p;
  p.subscription_identifiers = id;
  c.publish("t", "x", 0, false, p);
  w.run();
  EXPECT_EQ(c.take(), "disconnect 82; closed");
}

TEST_F(Publish, MQTT_2_2_1_3_APacketIdentifierIsNotZero) {
  world& w = start();
  client& c = ready("c");
  c.send_bytes(std::string_view("\x32\x06\0\1t\0\0\0", 8));
  w.run();
  EXPECT_EQ(c.take(), "disconnect 82; closed");
}

// -- QoS --

TEST_F(QualityOfService, MQTT_4_3_2_4_QoS1IsAnsweredWithItsIdentifier_MQTT_2_2_1_5) {
  world& w = start();
  client& s = w.make_client("s");
  client& p = w.make_client("p");
  w.connect(s);
  w.connect(p);
  s.subscribe("t", 1);
  w.run();
  p.take();
  mqtt::publish m;
  m.topic = "t";
  m.qos = 1;
  m.packet_id = 77;
  p.send_publish(m);
  w.run();
  EXPECT_EQ(p.take(), "puback 77");
  m.packet_id = 77;  // a new one [MQTT-4.3.2-5]
  m.dup = true;
  p.send_publish(m);
  w.run();
  EXPECT_EQ(p.take(), "puback 77");
  EXPECT_EQ(s.take(), "connack 00; suback 01; t= q1; t= q1")
      << "DUP is not passed on [MQTT-3.3.1-3]";
}

TEST_F(QualityOfService, MQTT_4_3_3_10_QoS2IsDeliveredOnce) {
  world& w = start();
  client& s = ready("s");
  client& p = ready("p");
  subscribe(s, "t", 2);
  p.auto_ack = false;
  mqtt::publish m;
  m.topic = "t";
  m.qos = 2;
  m.packet_id = 5;
  p.send_publish(m);
  w.run();
  m.dup = true;
  p.send_publish(m);
  w.run();
  EXPECT_EQ(p.take(), "pubrec 5; pubrec 5");
  p.ack(packet_type::pubrel, 5);
  w.run();
  EXPECT_EQ(p.take(), "pubcomp 5") << "[MQTT-4.3.3-11]";
  m.dup = false;
  p.send_publish(m);  // [MQTT-4.3.3-12]: after PUBREL it is another message
  w.run();
  EXPECT_EQ(s.take(), "t= q2; pubrel 1; t= q2; pubrel 2");
  p.ack(packet_type::pubrel, 5);
  p.ack(packet_type::pubrel, 6);
  w.run();
  EXPECT_EQ(p.take(), "pubrec 5; pubcomp 5; pubcomp 6 92");
}

TEST_F(QualityOfService, MQTT_4_4_0_1_SentAgainOnReconnectAlone_InOrder_MQTT_4_6_0_1) {
  world& w = start();
  client& s = w.make_client("s");
  client& p = w.make_client("p");
  w.connect(s, persistent());
  w.connect(p);
  s.subscribe("t", 2);
  w.run();
  s.take();
  s.auto_ack = false;
  for (uint8_t qos : {1, 2, 2}) p.publish("t", "x", qos);
  w.run();
  s.ack(packet_type::pubrec, 2);
  w.advance(120'000);
  EXPECT_EQ(s.take(), "t=x q1; t=x q2; t=x q2; pubrel 2");
  s.lose();
  w.run();
  s.take();
  s.auto_ack = true;
  w.connect(s, persistent());
  EXPECT_EQ(s.take(), "connack 00 present; t=x q1 dup; pubrel 2; t=x q2 dup; pubrel 3")
      << "[MQTT-3.3.1-1]";
}

TEST_F(QualityOfService, MQTT_4_6_0_2_AcknowledgementsKeepTheOrder) {
  world& w = start();
  client& p = ready("p");
  p.auto_ack = false;
  for (uint8_t qos : {1, 2, 1, 2}) p.publish("t", "x", qos);
  w.run();
  EXPECT_EQ(p.take(), "puback 1 10; pubrec 2 10; puback 3 10; pubrec 4 10");
}

TEST_F(QualityOfService, MQTT_3_5_4_ARefusedMessageIsRefused_MQTT_4_8_2_6) {
  world& w = start();
  client& s = ready("s");
  client& p = ready("p");
  subscribe(s, "$share/g/t", 2);
  s.auto_ack = false;
  p.publish("t", "x", 1);
  p.publish("t", "y", 2);
  w.run();
  s.ack(packet_type::puback, 1, reason::not_authorized);
  s.ack(packet_type::pubrec, 2, reason::quota_exceeded);
  w.run();
  EXPECT_EQ(s.take(), "t=x q1; t=y q2") << "no PUBREL, and nobody gets it again";
  EXPECT_EQ(w.total([](const metrics::counters& c) -> auto& { return c.refused; }), 2u);
}

}  // namespace
}  // namespace dunlin::sim
