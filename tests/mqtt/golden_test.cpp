// Bytes written out by hand from the specification, so that encoder and decoder cannot agree on the
// same mistake.
#include <gtest/gtest.h>

#include "broker/mqtt/decode.hpp"
#include "broker/mqtt/encode.hpp"
#include "broker/mqtt/properties.hpp"
#include "tests/mqtt/hex.hpp"

namespace dunlin::mqtt {
namespace {

std::string hex_of(const packet& p, version v) {
  std::string out;
  encode(p, v, out);
  return to_hex(out);
}

packet decoded(const std::string& bytes, version v) {
  auto result = decode(std::get<frame>(next_frame(bytes, 1 << 20)), v);
  if (auto* bad = std::get_if<malformed>(&result)) {
    ADD_FAILURE() << bad->why;
    return pingreq{};
  }
  return std::get<packet>(result);
}

TEST(Golden, ConnectOfMqtt31) {
  connect c{.ver = version::v31, .clean_start = true, .keep_alive_s = 60, .client_id = "c"};
  EXPECT_EQ(hex_of(c, version::v31), "10 0F 00 06 4D 51 49 73 64 70 03 02 00 3C 00 01 63");
}

TEST(Golden, ConnectOfMqtt311WithEverything) {
  connect c{.ver = version::v311, .clean_start = false, .keep_alive_s = 10, .client_id = "c"};
  c.will = will_message{"w", "m", 1, true};
  c.user_name = "u";
  c.password = "p";
  EXPECT_EQ(hex_of(c, version::v311),
            "10 19 00 04 4D 51 54 54 04 EC 00 0A 00 01 63 00 01 77 00 01 6D 00 01 75 00 01 70");
}

TEST(Golden, ConnectOfMqtt5) {
  connect c{.ver = version::v5, .client_id = ""};
  c.props.session_expiry_interval = 10;
  c.props.receive_maximum = 20;
  EXPECT_EQ(hex_of(c, version::v5),
            "10 15 00 04 4D 51 54 54 05 02 00 00 08 11 00 00 00 0A 21 00 14 00 00");
}

TEST(Golden, WillOfMqtt5) {
  connect c{.ver = version::v5, .client_id = "c"};
  c.will = will_message{"w", "m", 0, false, 5};
  EXPECT_EQ(hex_of(c, version::v5),
            "10 1A 00 04 4D 51 54 54 05 06 00 00 00 00 01 63 05 18 00 00 00 05 00 01 77 00 01 6D");
}

TEST(Golden, Connack) {
  EXPECT_EQ(hex_of(connack{.session_present = true}, version::v311), "20 02 01 00");
  EXPECT_EQ(hex_of(connack{.code = reason::bad_user_name_or_password}, version::v311),
            "20 02 00 04");
  connack c{.code = reason::not_authorized};
  c.props.reason_string = "no";
  EXPECT_EQ(hex_of(c, version::v5), "20 08 00 87 05 1F 00 02 6E 6F");
}

TEST(Golden, PublishOfMqtt311) {
  publish p{.topic = "a/b", .payload = "hi", .packet_id = 10, .qos = 1, .dup = true};
  EXPECT_EQ(hex_of(p, version::v311), "3A 09 00 03 61 2F 62 00 0A 68 69");
}

TEST(Golden, PublishOfMqtt5) {
  std::string block;
  append_user_property({"k", "v"}, block);
  publish p{.topic = "a", .payload = "x", .packet_id = 2, .qos = 2, .retain = true};
  p.props = parse_forwarded(block);
  p.props.message_expiry_interval = 3;
  p.props.topic_alias = 4;
  EXPECT_EQ(hex_of(p, version::v5),
            "35 16 00 01 61 00 02 0F 02 00 00 00 03 23 00 04 26 00 01 6B 00 01 76 78");
}

TEST(Golden, Acknowledgements) {
  EXPECT_EQ(hex_of(ack{packet_type::puback, 1}, version::v5), "40 02 00 01");
  EXPECT_EQ(hex_of(ack{packet_type::pubrec, 1, reason::quota_exceeded}, version::v5),
            "50 03 00 01 97");
  EXPECT_EQ(hex_of(ack{packet_type::pubrec, 1, reason::quota_exceeded}, version::v311),
            "50 02 00 01");
  EXPECT_EQ(hex_of(ack{packet_type::pubrel, 256}, version::v311), "62 02 01 00");
  EXPECT_EQ(
      hex_of(ack{packet_type::pubcomp, 1, reason::packet_identifier_not_found, "x"}, version::v5),
      "70 08 00 01 92 04 1F 00 01 78");
}

TEST(Golden, EncodeAckIsTheSamePacket) {
  for (version v : {version::v31, version::v311, version::v5}) {
    for (packet_type type :
         {packet_type::puback, packet_type::pubrec, packet_type::pubrel, packet_type::pubcomp}) {
      for (reason code : {reason::success, reason::packet_identifier_not_found}) {
        std::string out;
        encode_ack(type, 0xABCD, code, v, out);
        EXPECT_EQ(to_hex(out), hex_of(ack{type, 0xABCD, code}, v));
      }
    }
  }
}

TEST(Golden, SubscribeAndItsAnswer) {
  subscribe s{10, {{"a", {1, true, true, 2}}, {"b/#", {2}}}, {}};
  s.props.subscription_identifier = 300;
  EXPECT_EQ(hex_of(s, version::v5), "82 10 00 0A 03 0B AC 02 00 01 61 2D 00 03 62 2F 23 02");
  EXPECT_EQ(hex_of(s, version::v311), "82 0C 00 0A 00 01 61 01 00 03 62 2F 23 02");
  suback answer{10, {reason::granted_qos_1, reason::not_authorized}, {}};
  EXPECT_EQ(hex_of(answer, version::v5), "90 05 00 0A 00 01 87");
  EXPECT_EQ(hex_of(answer, version::v311), "90 04 00 0A 01 80");
}

TEST(Golden, UnsubscribeAndItsAnswer) {
  EXPECT_EQ(hex_of(unsubscribe{10, {"a"}, {}}, version::v311), "A2 05 00 0A 00 01 61");
  unsuback answer{10, {reason::no_subscription_existed}, {}};
  EXPECT_EQ(hex_of(answer, version::v311), "B0 02 00 0A");
  EXPECT_EQ(hex_of(answer, version::v5), "B0 04 00 0A 00 11");
}

TEST(Golden, PingDisconnectAuth) {
  EXPECT_EQ(hex_of(pingreq{}, version::v5), "C0 00");
  EXPECT_EQ(hex_of(pingresp{}, version::v5), "D0 00");
  EXPECT_EQ(hex_of(disconnect{}, version::v5), "E0 00");
  EXPECT_EQ(hex_of(disconnect{reason::session_taken_over, {}}, version::v5), "E0 02 8E 00");
  EXPECT_EQ(hex_of(disconnect{reason::session_taken_over, {}}, version::v311), "E0 00");
  auth a{reason::continue_authentication, {}};
  a.props.authentication_method = "m";
  EXPECT_EQ(hex_of(a, version::v5), "F0 06 18 04 15 00 01 6D");
}

TEST(Golden, ShortFormsHaveTheirDefaults) {
  EXPECT_EQ(std::get<ack>(decoded(from_hex("40 03 00 01 10"), version::v5)).code,
            reason::no_matching_subscribers);
  EXPECT_EQ(std::get<ack>(decoded(from_hex("40 04 00 01 00 00"), version::v5)).packet_id, 1);
  EXPECT_EQ(std::get<disconnect>(decoded(from_hex("E0 01 04"), version::v5)).code,
            reason::disconnect_with_will);
}

TEST(Golden, Mqtt31TakesTheRemainingLengthBeforeTheFlags) {
  // User name and password are announced, and missing.
  auto bytes = from_hex("10 0F 00 06 4D 51 49 73 64 70 03 C2 00 3C 00 01 63");
  auto c = std::get<connect>(decoded(bytes, version::v31));
  EXPECT_FALSE(c.user_name);
  EXPECT_FALSE(c.password);
}

TEST(Golden, Mqtt31HasLongClientIds) {
  connect c{.ver = version::v31, .client_id = "a client id of more than 23 bytes"};
  std::string out;
  encode(c, out);
  EXPECT_EQ(std::get<connect>(decoded(out, version::v31)).client_id, c.client_id);
}

TEST(Golden, ABridgeTellsItInTheProtocolLevel) {
  auto bytes = from_hex("10 0D 00 04 4D 51 54 54 84 02 00 3C 00 01 63");
  auto c = std::get<connect>(decoded(bytes, version::v311));
  EXPECT_TRUE(c.bridge);
  EXPECT_EQ(c.ver, version::v311);
}

TEST(Golden, Mqtt311MayWriteItsLengthLong) {
  auto bytes = from_hex("30 84 00 00 01 61 78");
  EXPECT_EQ(std::get<publish>(decoded(bytes, version::v311)).payload, "x");
}

TEST(ConnectVersion, IsWhatTheClientCanRead) {
  auto of = [](std::string_view hex) {
    std::string body = from_hex(hex);
    return connect_version({packet_type::connect, 0, body, body.size() + 2});
  };
  EXPECT_EQ(of("00 06 4D 51 49 73 64 70 03"), version::v31);
  EXPECT_EQ(of("00 04 4D 51 54 54 04"), version::v311);
  EXPECT_EQ(of("00 04 4D 51 54 54 85"), version::v5);
  EXPECT_EQ(of("00 04 4D 51 54 54 06"), version::v5);
  EXPECT_EQ(of("00 04 4D 51"), version::v311);
}

}  // namespace
}  // namespace dunlin::mqtt
