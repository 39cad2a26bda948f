// The hot path allocates nothing, and no packet makes the decoder allocate out of proportion to its
// own size.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "broker/mqtt/decode.hpp"
#include "broker/mqtt/encode.hpp"
#include "broker/mqtt/properties.hpp"
#include "tests/mqtt/hex.hpp"
#include "tests/mqtt/samples.hpp"

namespace {
size_t allocations = 0;
size_t allocated_bytes = 0;
}  // namespace

void* operator new(size_t size) {
  ++allocations;
  allocated_bytes += size;
  if (void* p = std::malloc(size)) return p;
  std::abort();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, size_t) noexcept { std::free(p); }

namespace dunlin::mqtt {
namespace {

TEST(Allocation, DecodingAPublishMakesNone) {
  for (const sample& s : samples()) {
    if (!std::holds_alternative<publish>(s.value)) continue;
    std::string bytes = encoded(s);
    size_t before = allocations;
    auto framed = next_frame(bytes, 4 << 20);
    auto result = decode_publish(std::get<frame>(framed), s.ver);
    size_t made = allocations - before;
    EXPECT_TRUE(std::holds_alternative<publish>(result)) << s.name;
    EXPECT_EQ(made, 0u) << s.name;
  }
}

TEST(Allocation, EncodingIntoACapaciousBufferMakesNone) {
  std::string out;
  out.reserve(1000);
  publish p{.topic = "a/b", .payload = "x", .packet_id = 1, .qos = 1};
  size_t before = allocations;
  encode_ack(packet_type::puback, 1, reason::success, version::v5, out);
  encode(p, version::v5, out);
  encode(p, version::v311, out);
  encode(pingresp{}, version::v5, out);
  EXPECT_EQ(allocations - before, 0u);
}

TEST(Allocation, IsBoundedByThePacketsOwnSize) {
  // The smallest items there are: user properties of five bytes, filters of four.
  constexpr size_t bytes_per_byte_max = 64;
  subscribe s{1, std::vector<subscribe_entry>(5000, {"a", {}}), {}};
  s.props.user_properties.resize(5000);
  std::string bytes;
  encode(s, version::v5, bytes);
  size_t before = allocated_bytes;
  auto result = decode_subscribe(std::get<frame>(next_frame(bytes, 1 << 20)), version::v5);
  size_t made = allocated_bytes - before;
  EXPECT_EQ(std::get<subscribe>(result).entries.size(), 5000u);
  EXPECT_LT(made, bytes_per_byte_max * bytes.size());
}

}  // namespace
}  // namespace dunlin::mqtt
