#include "broker/mqtt/properties.hpp"

#include <gtest/gtest.h>

#include "broker/mqtt/decode.hpp"
#include "broker/mqtt/encode.hpp"
#include "tests/mqtt/hex.hpp"

namespace dunlin::mqtt {
namespace {

const std::string format = from_hex("01 01");
const std::string expiry = from_hex("02 00 00 00 05");
const std::string alias = from_hex("23 00 07");
const std::string id_1 = from_hex("0B 01");
const std::string id_300 = from_hex("0B AC 02");
const std::string user_a = from_hex("26 00 01 61 00 01 31");
const std::string user_b = from_hex("26 00 01 62 00 01 32");

// A PUBLISH with that block, and its bytes.
struct received {
  explicit received(const std::string& block) {
    std::string body = from_hex("00 01 74") + static_cast<char>(block.size()) + block + "payload";
    bytes = '\x30' + std::string(1, static_cast<char>(body.size())) + body;
    auto result = decode_publish(std::get<frame>(next_frame(bytes, 1000)), version::v5);
    if (auto* p = std::get_if<publish>(&result)) {
      value = *p;
    } else {
      ADD_FAILURE() << std::get<malformed>(result).why;
    }
  }
  std::string bytes;
  publish value;
};

std::string copied(const publish_properties& p) {
  std::string out(forwarded_size(p), '?');
  char* end = copy_forwarded(p, out.data());
  EXPECT_EQ(end, out.data() + out.size());
  return out;
}

TEST(Forwarded, IsAViewWithoutACopyWhenNothingStandsBetween) {
  for (const std::string& block :
       {user_a + user_b, expiry + user_a + user_b, user_a + user_b + alias + expiry,
        alias + user_a + user_b + expiry}) {
    received r(block);
    EXPECT_FALSE(r.value.props.forwarded_needs_filter);
    EXPECT_EQ(to_hex(r.value.props.forwarded), to_hex(user_a + user_b));
    EXPECT_GE(r.value.props.forwarded.data(), r.bytes.data());
    EXPECT_LE(r.value.props.forwarded.data() + r.value.props.forwarded.size(),
              r.bytes.data() + r.bytes.size());
  }
}

TEST(Forwarded, LeavesOutWhatStandsBetween) {
  for (const std::string& between : {expiry, alias, id_1, id_1 + id_300, expiry + alias}) {
    received r(format + between + user_a + user_b);
    EXPECT_TRUE(r.value.props.forwarded_needs_filter);
    EXPECT_EQ(to_hex(copied(r.value.props)), to_hex(format + user_a + user_b));
    std::string appended = "x";
    append_forwarded(r.value.props, appended);
    EXPECT_EQ(appended, "x" + format + user_a + user_b);
  }
}

TEST(Forwarded, IsEmptyWithoutForwardableProperties) {
  received r(expiry + alias);
  EXPECT_TRUE(r.value.props.forwarded.empty());
  EXPECT_EQ(forwarded_size(r.value.props), 0u);
  EXPECT_EQ(r.value.props.message_expiry_interval, 5u);
  EXPECT_EQ(r.value.props.topic_alias, 7u);
}

TEST(Forwarded, AKeptBlockIsPureAndParses) {
  std::string block = user_a;
  append_content_type("text", block);
  append_response_topic("r/t", block);
  append_correlation_data("c", block);
  append_payload_is_utf8(block);
  received r(block.substr(0, 7) + expiry + block.substr(7));
  std::string kept = copied(r.value.props);
  publish_properties again = parse_forwarded(kept);
  EXPECT_FALSE(again.forwarded_needs_filter);
  EXPECT_EQ(again.forwarded, kept);
  EXPECT_EQ(again.content_type, "text");
  EXPECT_EQ(again.response_topic, "r/t");
  EXPECT_EQ(again.correlation_data, "c");
  EXPECT_TRUE(again.payload_is_utf8);
  EXPECT_TRUE(again.has_user_properties);
  EXPECT_FALSE(again.message_expiry_interval);
}

TEST(Forwarded, EncodingAReceivedPacketFiltersIt) {
  received r(user_a + alias + id_1 + user_b + expiry + id_300);
  std::string out;
  encode(r.value, version::v5, out);
  auto again =
      std::get<publish>(decode_publish(std::get<frame>(next_frame(out, 1000)), version::v5));
  EXPECT_FALSE(again.props.forwarded_needs_filter);
  EXPECT_EQ(to_hex(again.props.forwarded), to_hex(user_a + user_b));
  EXPECT_EQ(to_hex(again.props.subscription_identifiers), to_hex(id_1 + id_300));
  EXPECT_EQ(again.props.message_expiry_interval, 5u);
  EXPECT_EQ(again.props.topic_alias, 7u);
  EXPECT_EQ(again.payload, "payload");
}

TEST(Forwarded, OfAWillIsWithoutItsDelay) {
  std::string will = user_a + from_hex("18 00 00 00 09") + user_b;
  std::string body = from_hex("00 04 4D 51 54 54 05 06 00 00 00 00 01 63") +
                     static_cast<char>(will.size()) + will + from_hex("00 01 77 00 00");
  std::string bytes = '\x10' + std::string(1, static_cast<char>(body.size())) + body;
  auto c = std::get<connect>(decode_connect(std::get<frame>(next_frame(bytes, 1000))));
  ASSERT_TRUE(c.will);
  EXPECT_EQ(c.will->delay_interval_s, 9u);
  EXPECT_EQ(to_hex(copied(c.will->props)), to_hex(user_a + user_b));
}

TEST(UserProperties, AreWalkedInOrder) {
  received r(user_b + format + user_a + expiry + user_b);
  std::vector<user_property> seen;
  for_each_user_property(r.value.props.forwarded, [&](const auto& p) { seen.push_back(p); });
  EXPECT_EQ(seen, (std::vector<user_property>{{"b", "2"}, {"a", "1"}, {"b", "2"}}));
}

TEST(UserProperties, AnUndefinedPropertyEndsTheWalk) {
  for (const std::string& tail :
       {std::string("\x7f"), from_hex("26 7F 00 61"), from_hex("04 00")}) {
    std::string block = user_a + tail + user_b;
    size_t seen = 0;
    for_each_user_property(block, [&](const auto&) { ++seen; });
    EXPECT_EQ(seen, 1u) << to_hex(tail);
    EXPECT_EQ(parse_forwarded(block).forwarded, user_a);
  }
}

TEST(SubscriptionIdentifiers, AreWalkedWhereverTheyStand) {
  received r(id_300 + user_a + id_1 + expiry);
  std::vector<uint32_t> seen;
  for_each_subscription_identifier(r.value.props.subscription_identifiers,
                                   [&](uint32_t id) { seen.push_back(id); });
  EXPECT_EQ(seen, (std::vector<uint32_t>{300, 1}));
  EXPECT_EQ(subscription_identifiers_size(r.value.props), 5u);
}

TEST(SubscriptionIdentifiers, AreNoneWithoutOne) {
  EXPECT_TRUE(received(user_a).value.props.subscription_identifiers.empty());
}

}  // namespace
}  // namespace dunlin::mqtt
