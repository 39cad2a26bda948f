#include <gtest/gtest.h>

#include <algorithm>

#include "broker/mqtt/decode.hpp"
#include "tests/mqtt/hex.hpp"
#include "tests/mqtt/samples.hpp"

namespace dunlin::mqtt {
namespace {

constexpr size_t packet_size_max = 4 << 20;

TEST(RoundTrip, EveryPacketComesBackAsItWas) {
  for (const sample& s : samples()) {
    SCOPED_TRACE(name_of(s.ver) + " " + s.name);
    std::string bytes = encoded(s);
    frame_result framed = next_frame(bytes, packet_size_max);
    auto* f = std::get_if<frame>(&framed);
    ASSERT_NE(f, nullptr);
    EXPECT_EQ(f->size, bytes.size());
    decode_result<packet> result = decode(*f, s.ver);
    auto* bad = std::get_if<malformed>(&result);
    ASSERT_EQ(bad, nullptr) << bad->why;
    EXPECT_TRUE(std::get<packet>(result) == s.value) << to_hex(bytes.substr(0, 200));
  }
}

TEST(RoundTrip, EncodingAppends) {
  for (const sample& s : samples()) {
    std::string alone = encoded(s);
    std::string behind = "before";
    encode(s.value, s.ver, behind);
    EXPECT_EQ(behind, "before" + alone) << s.name;
  }
}

TEST(RoundTrip, EveryPrefixNeedsMore) {
  for (const sample& s : samples()) {
    std::string bytes = encoded(s);
    // Every length near both ends; in the long payload between them a step of 4093.
    for (size_t n = 0; n < bytes.size(); n += n < 600 || n + 600 > bytes.size() ? 1 : 4093) {
      frame_result r = next_frame(std::string_view(bytes).substr(0, n), packet_size_max);
      ASSERT_TRUE(std::holds_alternative<need_more>(r)) << s.name << " cut at " << n;
    }
  }
}

TEST(RoundTrip, FramesFollowOneAnother) {
  std::string stream;
  size_t expected = 0;
  for (const sample& s : samples()) {
    encode(s.value, s.ver, stream);
    ++expected;
  }
  size_t found = 0;
  for (std::string_view rest = stream; !rest.empty(); ++found) {
    frame_result r = next_frame(rest, packet_size_max);
    ASSERT_TRUE(std::holds_alternative<frame>(r));
    rest.remove_prefix(std::get<frame>(r).size);
  }
  EXPECT_EQ(found, expected);
}

// A body that ends early must be refused, or be another valid packet; it must never be read beyond
// its end, which the exact allocation lets the address sanitizer see.
TEST(RoundTrip, AShortenedBodyIsNeverReadBeyondItsEnd) {
  size_t refused = 0;
  for (const sample& s : samples()) {
    std::string bytes = encoded(s);
    auto whole = std::get<frame>(next_frame(bytes, packet_size_max));
    for (size_t n = 0; n < std::min<size_t>(whole.body.size(), 300); ++n) {
      std::vector<char> body(whole.body.begin(), whole.body.begin() + static_cast<ptrdiff_t>(n));
      frame f{whole.type, whole.flags, {body.data(), n}, 1 + (n < 128 ? 1u : 2u) + n};
      auto result = decode(f, s.ver);
      if (std::holds_alternative<malformed>(result)) ++refused;
    }
  }
  EXPECT_GT(refused, 1000u);
}

TEST(NextFrame, RefusesAPacketOverTheMaximumAsSoonAsItsLengthIsKnown) {
  auto r = next_frame(from_hex("30 80 01"), 130);
  EXPECT_EQ(std::get<malformed>(r).code, reason::packet_too_large);
  EXPECT_TRUE(std::holds_alternative<need_more>(next_frame(from_hex("30 80 01"), 131)));
  EXPECT_TRUE(std::holds_alternative<need_more>(next_frame(from_hex("30 80"), 1)));
}

TEST(NextFrame, TakesTheLongestRemainingLength) {
  EXPECT_TRUE(
      std::holds_alternative<need_more>(next_frame(from_hex("30 FF FF FF 7F"), size_t{1} << 30)));
}

TEST(NextFrame, DupOfMqtt31IsLeftToTheVersion) {
  std::string bytes = from_hex("8A 06 00 01 00 01 61 00");
  auto f = std::get<frame>(next_frame(bytes, 100));
  EXPECT_TRUE(std::holds_alternative<subscribe>(decode_subscribe(f, version::v31)));
  EXPECT_TRUE(std::holds_alternative<malformed>(decode_subscribe(f, version::v311)));
}

}  // namespace
}  // namespace dunlin::mqtt
