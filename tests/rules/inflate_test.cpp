#include "rules/inflate.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>

namespace dunlin::rules {
namespace {

constexpr size_t plenty = 1 << 20;

std::string deflated(std::string_view in, int window) {
  z_stream z{};
  EXPECT_EQ(deflateInit2(&z, 6, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(in.size() + 100, 0);
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
  z.avail_in = static_cast<uInt>(in.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}
std::string zlib(std::string_view in) { return deflated(in, 15); }

TEST(Inflate, UndoesZlibAndGzip) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += std::to_string(i);
  EXPECT_EQ(inflate(zlib(text), plenty), text);
  EXPECT_EQ(inflate(deflated(text, 15 + 16), plenty), text);
  EXPECT_EQ(inflate(zlib(""), plenty), "");
}

TEST(Inflate, HighlyCompressedBodyGrowsToItsSize) {
  const std::string zeros(900'000, '\0');
  EXPECT_EQ(inflate(zlib(zeros), plenty), zeros);
}

TEST(Inflate, LimitIsExact) {
  const auto in = zlib(std::string(1000, 'x'));
  EXPECT_EQ(inflate(in, 1000), std::string(1000, 'x'));
  EXPECT_EQ(inflate(in, 999), std::nullopt);
  EXPECT_EQ(inflate(in, 0), std::nullopt);
}

TEST(Inflate, WhatIsNotOneWholeStreamIsNothing) {
  const auto in = zlib("some text that is long enough to be cut");
  EXPECT_EQ(inflate("", plenty), std::nullopt);
  EXPECT_EQ(inflate("plain text", plenty), std::nullopt);
  EXPECT_EQ(inflate(in + "x", plenty), std::nullopt);
  for (size_t n = 0; n < in.size(); ++n)
    EXPECT_EQ(inflate(in.substr(0, n), plenty), std::nullopt) << n;
  auto altered = in;
  altered.back() = static_cast<char>(altered.back() ^ 1);  // the checksum
  EXPECT_EQ(inflate(altered, plenty), std::nullopt);
}

}  // namespace
}  // namespace dunlin::rules
