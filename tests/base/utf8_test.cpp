#include "base/utf8.hpp"

#include <gtest/gtest.h>

namespace dunlin {
namespace {

TEST(Utf8, TakesEveryLength) {
  EXPECT_TRUE(utf8_valid(""));
  EXPECT_TRUE(utf8_valid("a\xC2\x80\xE0\xA0\x80\xF0\x90\x80\x80"));
  EXPECT_TRUE(utf8_valid("\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF"));
  EXPECT_EQ(utf8_sequence("\xE2\x82\xAC!"), 3u);
}
TEST(Utf8, RefusesWhatIsNotWellFormed) {
  for (const char* s : {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80",
                        "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xC2",
                        "\xE2\x82", "\xF0\x90\x80", "\xC2 ", "a\xFF"})
    EXPECT_FALSE(utf8_valid(s)) << s;
}

}  // namespace
}  // namespace dunlin
