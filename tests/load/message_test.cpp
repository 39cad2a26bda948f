#include "tests/load/message.hpp"

#include <gtest/gtest.h>

#include "broker/mqtt/decode.hpp"

namespace dunlin::load {
namespace {

mqtt::frame frame_of(std::string_view bytes) {
  return std::get<mqtt::frame>(mqtt::next_frame(bytes, 1 << 20));
}

TEST(PublishTemplate, IsThePacketThatTheCodecReads) {
  for (const auto v : {mqtt::version::v311, mqtt::version::v5}) {
    for (const uint8_t qos : {0, 1, 2}) {
      for (const size_t size : {24u, 64u, 200u, 70'000u}) {
        publish_template t("a/b", {v, qos, false, size, 77, 3});
        std::string out;
        t.append(500, 9, 10, out);
        t.append(501, 11, 12, out);
        EXPECT_EQ(out.size(), 2 * t.size());
        const mqtt::frame f = frame_of(std::string_view(out).substr(t.size()));
        const auto p = std::get<mqtt::publish>(mqtt::decode_publish(f, v));
        EXPECT_EQ(p.topic, "a/b");
        EXPECT_EQ(p.qos, qos);
        EXPECT_EQ(p.packet_id, qos == 0 ? 0 : 501);
        EXPECT_EQ(p.payload.size(), size);
        const stamp s = read_stamp(p.payload).value();
        EXPECT_EQ(s.run, 77u);
        EXPECT_EQ(s.publisher, 3u);
        EXPECT_EQ(s.sequence, 11u);
        EXPECT_EQ(s.time_ns, 12u);
      }
    }
  }
}

TEST(ReadPublish, AgreesWithTheCodec) {
  for (const auto v : {mqtt::version::v311, mqtt::version::v5}) {
    publish_template t("some/topic", {v, 1, false, 64, 1, 2});
    std::string out;
    t.append(0x1234, 5, 6, out);
    const mqtt::frame f = frame_of(out);
    const auto a = read_publish(f.flags, f.body, v);
    ASSERT_TRUE(a);
    EXPECT_EQ(a->packet_id, 0x1234);
    EXPECT_EQ(a->qos, 1);
    EXPECT_EQ(a->payload, std::get<mqtt::publish>(mqtt::decode_publish(f, v)).payload);
  }
}

TEST(ReadPublish, SkipsProperties) {
  const std::string body = std::string("\0\1t", 3) + std::string("\x03\x23\0\7", 4) + "payload";
  EXPECT_EQ(read_publish(0, body, mqtt::version::v5)->payload, "payload");
}

TEST(ReadPublish, RefusesEveryPrefixThatEndsBeforeThePayload) {
  publish_template t("topic", {mqtt::version::v5, 1, false, 64, 1, 2});
  std::string out;
  t.append(1, 2, 3, out);
  const mqtt::frame f = frame_of(out);
  for (size_t n = 0; n < f.body.size() - 64; ++n) {
    EXPECT_FALSE(read_publish(f.flags, f.body.substr(0, n), mqtt::version::v5)) << n;
  }
}

}  // namespace
}  // namespace dunlin::load
