#include "rules/mapping.hpp"

#include <gtest/gtest.h>

#include "proto/envelope.pb.h"
#include "rules/batch_builder.hpp"
#include "rules/envelope.hpp"
#include "rules/json.hpp"

namespace dunlin::rules {
namespace {

constexpr int64_t now_ms = 1'700'000'000'000;

device_message some_message() {
  device_message m;
  m.topic = "sensors/room/1";
  m.payload = std::string_view("\0\xFFpayload", 9);
  m.client_id = "GID_a@@@1";
  m.qos = 1;
  m.born_ms = now_ms;
  return m;
}
using properties = std::vector<property>;

TEST(ToQueue, NamesAreTheProducts) {
  auto m = some_message();
  m.qos = 2;
  m.expiry_s = 60;
  m.content_type = "UTF-8";
  m.user_properties = {{"k", "v"}, {"k", "line\nbreak"}};
  queue_message q;
  ASSERT_FALSE(to_queue(m, now_ms + 10'500, q));
  EXPECT_EQ(q.body, m.payload);
  EXPECT_EQ(q.tag, "MQTT_COMMON");
  EXPECT_EQ(q.keys, std::vector<std::string>{"GID_a@@@1"});
  EXPECT_EQ(q.born_ms, now_ms);
  EXPECT_EQ(q.properties,
            (properties{{"topic", "sensors/room/1"},
                        {"mqttSecondTopic", "/room/1"},
                        {"clientId", "GID_a@@@1"},
                        {"qoslevel", "2"},
                        {"mqtt5MsgExpireInterval", "50"},
                        {"mqtt5ContentType", "UTF-8"},
                        {"mqtt5UserProperty",
                         R"([{"key":"k","value":"v"},{"key":"k","value":"line\u000abreak"}])"}}));
}

TEST(ToQueue, WhatIsAbsentIsLeftOut) {
  auto m = some_message();
  m.topic = "sensors";
  m.client_id = "";
  queue_message q;
  ASSERT_FALSE(to_queue(m, now_ms, q));
  EXPECT_EQ(q.properties, (properties{{"topic", "sensors"}, {"qoslevel", "1"}}));
  EXPECT_TRUE(q.keys.empty());
}

TEST(ToQueue, ClientIdWithASpaceIsNoKey) {
  auto m = some_message();
  m.client_id = "two words";
  queue_message q;
  ASSERT_FALSE(to_queue(m, now_ms, q));
  EXPECT_TRUE(q.keys.empty());
}

TEST(ToQueue, LongExpiryIsToldAsTheMost) {
  auto m = some_message();
  m.expiry_s = 1'000'000;
  queue_message q;
  ASSERT_FALSE(to_queue(m, now_ms, q));
  EXPECT_EQ(q.properties.back(), property("mqtt5MsgExpireInterval", "65535"));
}

TEST(ToQueue, WhatTheQueueWouldRefuseIsRefusedWithTheReason) {
  auto long_topic = "t/" + std::string(9000, 'x');
  auto long_value = std::string(8200, 'v');
  auto refused = [](auto change) {
    auto m = some_message();
    change(m);
    queue_message q;
    auto fault = to_queue(m, now_ms, q);
    return fault ? fault->reason : "accepted";
  };
  EXPECT_NE(refused([](auto& m) { m.payload = ""; }).find("empty payload"), std::string::npos);
  EXPECT_NE(refused([](auto& m) { m.topic = "t/\x01"; }).find("in topic"), std::string::npos);
  EXPECT_NE(refused([](auto& m) { m.topic = "t/\xC2\x85"; }).find("in topic"), std::string::npos);
  EXPECT_NE(refused([](auto& m) { m.client_id = "a\tb"; }).find("in clientId"), std::string::npos);
  EXPECT_NE(refused([](auto& m) { m.content_type = "\x7F"; }).find("in mqtt5ContentType"),
            std::string::npos);
  EXPECT_NE(refused([&](auto& m) { m.topic = long_topic; }).find("over 16384"), std::string::npos);
  EXPECT_NE(refused([&](auto& m) {
              m.user_properties = {{"k", long_value}};
            }).find("over 8192"),
            std::string::npos);
  EXPECT_EQ(refused([](auto& m) { m.topic = "t/\xC2\xA0ü"; }), "accepted");
}

TEST(MessageGroup, IsTheClientIdOrADigestOfIt) {
  EXPECT_EQ(message_group_of("GID_a@@@1"), "GID_a@@@1");
  EXPECT_EQ(message_group_of(std::string(63, 'x')), std::string(63, 'x'));
  EXPECT_LT(message_group_of(std::string(64, 'x')).size(), 64u);
  EXPECT_NE(message_group_of(std::string(64, 'x')), message_group_of(std::string(65, 'x')));
  EXPECT_EQ(message_group_of("a\nb").find('\n'), std::string::npos);
  EXPECT_FALSE(message_group_of("").empty());
}

inbound_message mapped(properties p, const std::string& parent = "sensors") {
  queue_message q;
  q.body = std::string("\0\xFF", 2);
  q.born_ms = now_ms;
  q.properties = std::move(p);
  auto r = from_queue(q, parent, now_ms);
  if (auto* fault = std::get_if<unmappable>(&r)) {
    ADD_FAILURE() << fault->reason;
    return {};
  }
  return std::get<inbound_message>(r);
}
std::string refused(properties p) {
  queue_message q;
  q.body = "x";
  q.properties = std::move(p);
  auto r = from_queue(q, "sensors", now_ms);
  auto* fault = std::get_if<unmappable>(&r);
  return fault ? fault->reason : "accepted";
}

TEST(FromQueue, DefaultsAreQos1AndTheParentTopic) {
  auto m = mapped({});
  EXPECT_EQ(m.topic, "sensors");
  EXPECT_EQ(m.shown_topic, "");
  EXPECT_EQ(m.payload, std::string("\0\xFF", 2));
  EXPECT_EQ(m.qos, 1);
  EXPECT_FALSE(m.expiry_s);
  EXPECT_TRUE(m.user_properties.empty());
}

TEST(FromQueue, SecondTopicWithOrWithoutItsSlash) {
  EXPECT_EQ(mapped({{"mqttSecondTopic", "/room/1"}}).topic, "sensors/room/1");
  EXPECT_EQ(mapped({{"mqttSecondTopic", "room/1"}}).topic, "sensors/room/1");
  EXPECT_EQ(mapped({{"mqttSecondTopic", ""}}).topic, "sensors");
  EXPECT_EQ(mapped({{"mqttSecondTopic", "/p2p/GID_a@@@1"}}).topic, "sensors/p2p/GID_a@@@1");
}

TEST(FromQueue, AllThatIsSettableIsSet) {
  auto m = mapped({{"qoslevel", "2"},
                   {"mqttRealTopic", "shown/here"},
                   {"mqtt5MsgExpireInterval", "30"},
                   {"mqtt5ContentType", "UTF-8"},
                   {"mqtt5UserProperty",
                    R"( [ {"value":"v\u00fc\ud83d\ude00\"","key":"k"} , {"key":"","value":""}])"},
                   {"cleansessionflag", "false"},
                   {"unknown", "x"}});
  EXPECT_EQ(m.qos, 2);
  EXPECT_EQ(m.shown_topic, "shown/here");
  EXPECT_EQ(m.expiry_s, 30u);
  EXPECT_EQ(m.content_type, "UTF-8");
  EXPECT_EQ(m.user_properties, (properties{{"k", "vü😀\""}, {"", ""}}));
}

TEST(FromQueue, NonsenseIsRefusedWithTheReason) {
  EXPECT_NE(refused({{"mqttSecondTopic", "/a/#"}}).find("no topic name"), std::string::npos);
  EXPECT_NE(refused({{"mqttSecondTopic", "/+/a"}}).find("no topic name"), std::string::npos);
  EXPECT_NE(refused({{"mqttRealTopic", "#"}}).find("mqttRealTopic"), std::string::npos);
  EXPECT_NE(refused({{"qoslevel", "3"}}).find("qoslevel"), std::string::npos);
  EXPECT_NE(refused({{"qoslevel", "1x"}}).find("qoslevel"), std::string::npos);
  EXPECT_NE(refused({{"mqtt5MsgExpireInterval", "-1"}}).find("not a number"), std::string::npos);
  for (auto bad : {"{}", "[", "[{}]", R"([{"key":"k"}])", R"([{"key":"k","value":1}])",
                   R"([{"key":"k","value":"v"}]x)", R"([{"key":"k","value":"v",}])",
                   R"([{"key":"\ud800","value":""}])", R"([{"key":"\u0000","value":""}])"}) {
    EXPECT_NE(refused({{"mqtt5UserProperty", bad}}).find("mqtt5UserProperty"), std::string::npos)
        << bad;
  }
}

TEST(FromQueue, UndoesToQueue) {
  auto m = some_message();
  m.expiry_s = 60;
  m.content_type = "c";
  m.user_properties = {{"a\"\\\x01", "ü\xC2\x85"}, {"", "x"}};
  queue_message q;
  ASSERT_FALSE(to_queue(m, now_ms, q));
  auto back = from_queue(q, "sensors", now_ms);
  ASSERT_TRUE(std::holds_alternative<inbound_message>(back));
  auto& in = std::get<inbound_message>(back);
  EXPECT_EQ(in.topic, m.topic);
  EXPECT_EQ(in.payload, m.payload);
  EXPECT_EQ(in.qos, m.qos);
  EXPECT_EQ(in.expiry_s, m.expiry_s);
  EXPECT_EQ(in.content_type, m.content_type);
  EXPECT_EQ(in.user_properties, (properties{{"a\"\\\x01", "ü\xC2\x85"}, {"", "x"}}));
}

TEST(Expiry, CountsFromTheBirth) {
  queue_message q;
  q.born_ms = now_ms;
  q.properties = {{"mqtt5MsgExpireInterval", "10"}};
  EXPECT_FALSE(expired(q, now_ms + 9'999));
  EXPECT_TRUE(expired(q, now_ms + 10'000));
  q.born_ms = 0;  // unknown
  EXPECT_FALSE(expired(q, now_ms));
  q.properties.clear();
  EXPECT_FALSE(expired(q, now_ms));
}

TEST(Envelope, IsWhatProtocMakesOfIt) {
  auto m = some_message();
  m.expiry_s = 0;
  m.content_type = "UTF-8";
  std::string big(300, 'v');
  m.user_properties = {{"k", big}, {"", ""}};
  auto plain = some_message();
  plain.topic = "t";
  plain.payload = "";
  plain.qos = 0;
  plain.client_id = "";

  Envelope e;
  e.set_source("src");
  auto* a = e.add_messages();
  a->set_sequence(1ull << 40);
  a->set_topic(std::string(m.topic));
  a->set_client_id(std::string(m.client_id));
  a->set_payload(std::string(m.payload));
  a->set_qos(1);
  a->set_born_ms(now_ms);
  a->set_expiry_s(0);
  a->set_content_type("UTF-8");
  auto* p = a->add_user_properties();
  p->set_key("k");
  p->set_value(big);
  a->add_user_properties();
  auto* b = e.add_messages();
  b->set_topic("t");
  b->set_born_ms(now_ms);

  auto body = envelope_head("src");
  append_to_envelope(m, 1ull << 40, m.expiry_s, body);
  append_to_envelope(plain, 0, std::nullopt, body);
  EXPECT_EQ(body, e.SerializeAsString());
}

batch_options envelope_options() {
  batch_options o;
  o.format = rule_format::envelope;
  o.envelope_messages_max = 3;
  o.limits = {
      .messages_max = 2, .bytes_max = 100'000, .body_bytes_max = 1000, .mixed_properties = false};
  o.rule_id = "r";
  o.source = "s";
  return o;
}

TEST(BatchBuilder, EnvelopesOfOneBatchDifferInNothingButBodyAndId) {
  auto o = envelope_options();
  batch_builder b(o, now_ms);
  for (uint64_t n = 0; n < 6; ++n) EXPECT_EQ(b.add(some_message(), n, 60), batch_builder::added);
  EXPECT_EQ(b.add(some_message(), 6, 60), batch_builder::full);
  auto batch = b.finish();
  ASSERT_EQ(batch.size(), 2u);
  EXPECT_EQ(batch[0].properties, (properties{{"dunlinFormat", "envelope/1"}, {"dunlinRule", "r"}}));
  EXPECT_EQ(batch[0].properties, batch[1].properties);
  EXPECT_EQ(batch[0].tag, batch[1].tag);
  EXPECT_TRUE(batch[0].keys.empty());
  EXPECT_EQ(batch[0].message_id, "s-0-2");
  EXPECT_EQ(batch[1].message_id, "s-3-5");
  Envelope e;
  ASSERT_TRUE(e.ParseFromString(batch[1].body));
  ASSERT_EQ(e.messages_size(), 3);
  EXPECT_EQ(e.messages(0).sequence(), 3u);
}

TEST(BatchBuilder, EnvelopeKeepsTheBodyLimitAndRefusesWhatNeverFits) {
  auto o = envelope_options();
  o.envelope_messages_max = 100;
  batch_builder b(o, now_ms);
  auto m = some_message();
  std::string payload(400, 'x');
  m.payload = payload;
  for (uint64_t n = 0; n < 6; ++n)
    EXPECT_EQ(b.add(m, n, 450), n < 4 ? batch_builder::added : batch_builder::full) << n;
  for (auto& q : b.finish()) EXPECT_LE(q.body.size(), o.limits.body_bytes_max);
  std::string huge(2000, 'x');
  m.payload = huge;
  batch_builder c(o, now_ms);
  EXPECT_EQ(c.add(m, 9, 2050), batch_builder::refused);
  EXPECT_NE(c.reason().find("1000"), std::string::npos);
}

TEST(BatchBuilder, DeviceOrderSendsAlone) {
  batch_options o;
  o.order = rule_order::device;
  o.limits.messages_max = 100;
  o.source = "s";
  batch_builder b(o, now_ms);
  EXPECT_EQ(b.add(some_message(), 7, 60), batch_builder::added);
  EXPECT_EQ(b.add(some_message(), 8, 60), batch_builder::full);
  auto batch = b.finish();
  ASSERT_EQ(batch.size(), 1u);
  EXPECT_EQ(batch[0].message_group, "GID_a@@@1");
  EXPECT_EQ(batch[0].message_id, "s-7");
}

}  // namespace
}  // namespace dunlin::rules
