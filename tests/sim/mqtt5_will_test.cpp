// The will of MQTT 5: when it is published, and what goes with it (sections 3.1.2.5, 3.1.3.2).
#include "broker/mqtt/properties.hpp"
#include "tests/sim/sim_test.hpp"

namespace dunlin::sim {
namespace {

using mqtt::reason;

mqtt::will_message will_of(std::string_view topic, uint32_t delay_s = 0) {
  mqtt::will_message w;
  w.topic = topic;
  w.payload = "gone";
  w.delay_interval_s = delay_s;
  return w;
}

class Will : public SimTest {
 protected:
  client& watch(uint8_t qos = 2) {
    client& s = world_->make_client("watcher");
    world_->connect(s);
    s.subscribe({{"will", {.qos = qos, .retain_as_published = true}}});
    world_->run();
    s.take();
    return s;
  }
};

TEST_F(Will, MQTT_3_1_2_8_PublishedWhenTheConnectionIsLost) {
  world& w = start();
  client& s = watch();
  client& c = w.make_client("c");
  connect_options o;
  o.will = will_of("will");
  o.will->qos = 1;
  o.will->retain = true;  // [MQTT-3.1.2-15]
  w.connect(c, o);
  c.lose();
  w.run();
  EXPECT_EQ(s.take(), "will=gone q1 retain");
  w.connect(c);
  c.publish("will", "", 1, true);
  w.run();
}

TEST_F(Will, MQTT_3_1_2_10_RemovedByADisconnectWith0x00Alone) {
  world& w = start();
  client& s = watch();
  client& c = w.make_client("c");
  for (auto code : {reason::success, reason::disconnect_with_will, reason::unspecified_error,
                    reason::quota_exceeded}) {
    w.connect(c, {.will = will_of("will")});
    c.disconnect(code);
    w.run();
    EXPECT_EQ(s.take(), code == reason::success ? "" : "will=gone q0")
        << "[MQTT-3.14.4-3] " << mqtt::to_string(code);
  }
}

TEST_F(Will, MQTT_3_1_3_9_NotPublishedWhenTheClientIsBackInTime) {
  world& w = start();
  client& s = watch();
  client& c = w.make_client("c");
  auto o = persistent();
  o.will = will_of("will", 10);
  w.connect(c, o);
  c.lose();
  w.advance(9'000);
  w.connect(c, persistent());
  w.advance(20'000);
  EXPECT_EQ(s.take(), "");
  w.connect(c, o);
  w.connect(c, persistent());  // taken over, the session goes on
  w.advance(20'000);
  EXPECT_EQ(s.take(), "");
  w.connect(c, o);
  w.connect(c, {.clean = true});  // taken over, the session ends
  EXPECT_EQ(s.take(), "will=gone q0");
}

TEST_F(Will, Clause_3_1_3_2_4_ItsExpiryBeginsWhenItIsPublished) {
  world& w = start();
  client& s = watch();
  client& c = w.make_client("c");
  connect_options o;
  o.will = will_of("will");
  o.will->props.message_expiry_interval = 5;
  w.connect(c, o);
  w.advance(60'000);
  c.lose();
  w.run();
  EXPECT_EQ(s.take_properties(), "expiry=5");
}

TEST_F(Will, Clause_3_1_3_2_ItsPropertiesGoWithIt_InOrder) {
  world& w = start();
  client& s = watch();
  client& c = w.make_client("c");
  connect_options o;
  o.will = will_of("will");
  std::string block;
  mqtt::append_payload_is_utf8(block);
  mqtt::append_content_type("text", block);
  mqtt::append_response_topic("r", block);
  mqtt::append_correlation_data("42", block);
  mqtt::append_user_property({"b", "1"}, block);
  mqtt::append_user_property({"a", "2"}, block);
  mqtt::append_user_property({"b", "3"}, block);
  o.will->props = mqtt::parse_forwarded(block);
  w.connect(c, o);
  c.lose();
  w.run();
  EXPECT_EQ(s.take_properties(),
            "utf8 content_type=text response_topic=r correlation=42 b:1 a:2 b:3");
}

TEST_F(Will, TheServersTopicsAreNoWills) {
  world& w = start();
  client& c = w.make_client("c");
  w.connect(c, {.will = will_of("$SYS/broker/version")});
  EXPECT_EQ(c.take(), "connack 87; closed");
}

}  // namespace
}  // namespace dunlin::sim
