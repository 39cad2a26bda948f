// The hot path allocates nothing, and no packet makes the decoder allocate out of proportion to its
// own size.
#include <gtest/gtest.h>

#include "broker/mqtt/decode.hpp"
#include "broker/mqtt/encode.hpp"
#include "broker/mqtt/properties.hpp"
#include "tests/mqtt/allocations.hpp"
#include "tests/mqtt/samples.hpp"

namespace dunlin::mqtt {
namespace {

TEST(Allocation, DecodingAPublishMakesNone) {
  for (const sample& s : samples()) {
    if (!std::holds_alternative<publish>(s.value)) continue;
    std::string bytes = encoded(s);
    size_t before = allocation_count();
    auto framed = next_frame(bytes, 4 << 20);
    auto result = decode_publish(std::get<frame>(framed), s.ver);
    size_t made = allocation_count() - before;
    EXPECT_TRUE(std::holds_alternative<publish>(result)) << s.name;
    EXPECT_EQ(made, 0u) << s.name;
  }
}

TEST(Allocation, EncodingIntoACapaciousBufferMakesNone) {
  std::string out;
  out.reserve(1000);
  publish p{.topic = "a/b", .payload = "x", .packet_id = 1, .qos = 1};
  size_t before = allocation_count();
  encode_ack(packet_type::puback, 1, reason::success, version::v5, out);
  encode(p, version::v5, out);
  encode(p, version::v311, out);
  encode(pingresp{}, version::v5, out);
  EXPECT_EQ(allocation_count() - before, 0u);
}

TEST(Allocation, IsBoundedByThePacketsOwnSize) {
  // The smallest items there are: user properties of five bytes, filters of four.
  constexpr size_t bytes_per_byte_max = 64;
  subscribe s{1, std::vector<subscribe_entry>(5000, {"a", {}}), {}};
  s.props.user_properties.resize(5000);
  std::string bytes;
  encode(s, version::v5, bytes);
  size_t before = allocated_bytes();
  auto result = decode_subscribe(std::get<frame>(next_frame(bytes, 1 << 20)), version::v5);
  size_t made = allocated_bytes() - before;
  EXPECT_EQ(std::get<subscribe>(result).entries.size(), 5000u);
  EXPECT_LT(made, bytes_per_byte_max * bytes.size());
}

}  // namespace
}  // namespace dunlin::mqtt
