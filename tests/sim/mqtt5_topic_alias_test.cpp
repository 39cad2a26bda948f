// Topic aliases in both directions (MQTT 5.0 section 3.3.2.3.4, 3.1.2.11.5, 3.2.2.3.8).
#include "tests/sim/sim_test.hpp"

namespace dunlin::sim {
namespace {

DUNLIN_ROW(TopicAlias);

connect_options with_aliases(uint16_t max) {
  connect_options o;
  o.props.topic_alias_maximum = max;
  return o;
}

// "topic=payload" as it was on the wire, ":alias" behind the topic.
std::string wire(client& c) {
  std::string text;
  for (const auto& r : c.take_packets())
    if (r.type == mqtt::packet_type::publish)
      text += (text.empty() ? "" : " ") + r.topic_sent +
              (r.alias ? ":" + std::to_string(r.alias) : "") + "=" + r.payload;
  return text;
}

TEST_F(TopicAlias, Clause_3_3_2_3_4_ATopicThatIsUsedAgainGetsAnAlias) {
  world& w = start();
  client& s = w.make_client("s");
  client& p = w.make_client("p");
  w.connect(s, with_aliases(5));
  w.connect(p);
  s.subscribe("#", 2);
  w.run();
  for (uint8_t qos : {0, 1, 2, 0}) p.publish("some/topic", std::to_string(qos), qos);
  w.run();
  EXPECT_EQ(wire(s), "some/topic=0 some/topic:1=1 :1=2 :1=0");
}

TEST_F(TopicAlias, MQTT_3_1_2_26_NoneAboveTheClientsMaximum_TheLeastUsedGivesWay) {
  world& w = start();
  client& s = w.make_client("s");
  client& p = w.make_client("p");
  w.connect(s, with_aliases(2));
  w.connect(p);
  s.subscribe("#");
  w.run();
  for (const char* t : {"aaaa", "bbbb", "aaaa", "bbbb", "aaaa", "cccc", "cccc", "aaaa", "bbbb"}) {
    p.publish(t, "");
    w.run();
  }
  EXPECT_EQ(wire(s), "aaaa= bbbb= aaaa:1= bbbb:2= :1= cccc= cccc:2= :1= bbbb:2=");
}

TEST_F(TopicAlias, MQTT_3_1_2_27_NoneForAClientThatTakesNone) {
  world& w = start();
  client& absent = w.make_client("absent");
  client& zero = w.make_client("zero");
  client& old = w.make_client("old", v311);
  client& p = w.make_client("p");
  w.connect(absent);
  w.connect(zero, with_aliases(0));
  w.connect(old);
  w.connect(p);
  for (client* c : {&absent, &zero, &old}) c->subscribe("#");
  w.run();
  for (int i = 0; i < 3; ++i) p.publish("some/topic", "x");
  w.run();
  for (client* c : {&absent, &zero, &old})
    EXPECT_EQ(wire(*c), "some/topic=x some/topic=x some/topic=x");
}

TEST_F(TopicAlias, TheServersOwnLimitBoundsThem) {
  options limits;
  limits.topic_alias_client_max = 1;
  world& w = start(limits);
  client& s = w.make_client("s");
  client& p = w.make_client("p");
  w.connect(s, with_aliases(100));
  w.connect(p);
  s.subscribe("#");
  w.run();
  for (const char* t : {"aaaa", "aaaa", "aaaa", "bbbb", "bbbb", "bbbb"}) {
    p.publish(t, "");
    w.run();
  }
  EXPECT_EQ(wire(s), "aaaa= aaaa:1= :1= bbbb= bbbb:1= :1=");
}

TEST_F(TopicAlias, MQTT_3_3_2_7_AMappingEndsWithItsConnection) {
  world& w = start();
  client& s = w.make_client("s");
  client& p = w.make_client("p");
  auto o = persistent();
  o.props.topic_alias_maximum = 5;
  w.connect(s, o);
  w.connect(p);
  s.subscribe("#", 1);
  w.run();
  s.auto_ack = false;
  for (int i = 0; i < 3; ++i) p.publish("some/topic", std::to_string(i), 1);
  w.run();
  EXPECT_EQ(wire(s), "some/topic=0 some/topic:1=1 :1=2");
  s.lose();
  w.run();
  w.connect(s, o);  // sent again: the topic must be there before its alias
  EXPECT_EQ(wire(s), "some/topic=0 some/topic:1=1 :1=2");
  s.lose();
  w.run();
  w.connect(s, persistent());
  EXPECT_EQ(wire(s), "some/topic=0 some/topic=1 some/topic=2");
  for (uint16_t id : {1, 2, 3}) s.ack(mqtt::packet_type::puback, id);
}

TEST_F(TopicAlias, AnAliasThatDoesNotFitIsNotSet) {
  world& w = start();
  client& s = w.make_client("s");
  client& p = w.make_client("p");
  auto o = with_aliases(5);
  o.packet_max = 60;
  w.connect(s, o);
  w.connect(p);
  s.subscribe("#");
  w.run();
  const std::string topic(20, 't');
  // With its topic and without an alias this one has 60 bytes, with both 63.
  const std::string full(60 - 2 - 2 - topic.size() - 1, 'x');
  p.publish(topic, full);
  p.publish(topic, full);
  p.publish(topic, "a");           // sets it
  p.publish(topic, full + "123");  // 60 bytes with the alias alone
  p.publish(topic, full + std::string(30, 'y'));
  w.run();
  EXPECT_EQ(wire(s), topic + "=" + full + " " + topic + "=" + full + " " + topic +
                         ":2=a :2=" + full + "123");
  EXPECT_EQ(w.dropped(metrics::drop_reason::too_large), 1u);
}

TEST_F(TopicAlias, MQTT_3_3_2_12_APublishersAliasStandsForItsTopic) {
  world& w = start();
  client& s = w.make_client("s");
  client& p = w.make_client("p");
  w.connect(s);
  w.connect(p);
  EXPECT_NE(p.take_properties().find("topic_alias_maximum=64"), std::string::npos);
  s.subscribe("#");
  w.run();
  mqtt::publish_properties one;
  one.topic_alias = 1;
  p.publish("a", "1", 0, false, one);
  p.publish("", "2", 0, false, one);
  p.publish("b", "3", 0, false, one);
  p.publish("", "4", 0, false, one);
  w.run();
  EXPECT_EQ(wire(s), "a=1 a=2 b=3 b=4") << "and it is not forwarded";
}

TEST_F(TopicAlias, MQTT_3_3_2_8_ZeroIsNoAlias) {
  world& w = start();
  client& p = ready("p");
  mqtt::publish_properties zero;
  zero.topic_alias = 0;
  p.publish("a", "1", 0, false, zero);
  w.run();
  EXPECT_EQ(p.take(), "disconnect 94; closed");
}

TEST_F(TopicAlias, MQTT_3_3_2_9_NoneAboveTheServersMaximum) {
  options limits;
  limits.topic_alias_max = 3;
  world& w = start(limits);
  client& p = ready("p");
  mqtt::publish_properties four;
  four.topic_alias = 4;
  p.publish("a", "1", 0, false, four);
  w.run();
  EXPECT_EQ(p.take(), "disconnect 94; closed");
}

// 64 aliases of topics of 64 KiB would be 4 MiB for each of a node's connections.
TEST_F(TopicAlias, TheirTopicsTogetherAreBounded) {
  options limits;
  limits.topic_alias_bytes_max = 20;
  world& w = start(limits);
  client& p = ready("p");
  const auto set = [&](uint16_t alias, const std::string& topic) {
    mqtt::publish_properties props;
    props.topic_alias = alias;
    p.publish(topic, "", 0, false, props);
  };
  set(1, std::string(20, 'a'));
  set(1, std::string(20, 'b'));
  set(1, std::string(20, 'b'));
  set(1, std::string(10, 'c'));
  set(2, std::string(10, 'd'));
  w.run();
  EXPECT_EQ(p.take(), "") << "what was replaced does not count";
  set(3, "e");
  w.run();
  EXPECT_EQ(p.take(), "disconnect 97; closed");
}

TEST_F(TopicAlias, Clause_3_3_2_1_AnAliasThatWasNotSetIsAProtocolError) {
  world& w = start();
  client& p = ready("p");
  mqtt::publish_properties two;
  two.topic_alias = 2;
  p.publish("", "1", 1, false, two);
  w.run();
  EXPECT_EQ(p.take(), "disconnect 82; closed");
}

}  // namespace
}  // namespace dunlin::sim
