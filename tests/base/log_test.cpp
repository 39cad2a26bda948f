#include "base/log.hpp"

#include <gtest/gtest.h>

#include <string>

#include "base/log_render.hpp"

namespace dunlin::log {
namespace {

std::string text(fields f) { return render(format::text, level::info, "event", f); }
std::string json(fields f) { return render(format::json, level::warn, "event", f); }

TEST(LogText, PlainValuesStandAsTheyAre) {
  EXPECT_EQ(text({{"client_id", "c1"}, {"address", "127.0.0.1:5555"}, {"n", 7}, {"ok", true}}),
            "info event client_id=c1 address=127.0.0.1:5555 n=7 ok=true");
}
TEST(LogText, ValuesThatCouldBeMisreadAreQuoted) {
  EXPECT_EQ(text({{"a", "two words"}, {"b", "x=y"}, {"c", ""}, {"d", "say \"hi\""}, {"e", "a\\b"}}),
            R"(info event a="two words" b="x=y" c="" d="say \"hi\"" e="a\\b")");
}
TEST(LogText, APeerCannotForgeALine) {
  EXPECT_EQ(text({{"id", "x\n2026 error forged\r\t"}}),
            R"(info event id="x\n2026 error forged\r\t")");
  EXPECT_EQ(text({{"id", std::string("\x1b[2J\0", 5)}}), R"(info event id="\x1b[2J\x00")");
  EXPECT_EQ(text({{"id", "\xC2\x9B"}}), R"(info event id="\xc2\x9b")");  // a C1 control
}
TEST(LogText, BytesThatAreNotUtf8AreShownAsHex) {
  EXPECT_EQ(text({{"id", "é\xFF"}}), "info event id=\"é\\xff\"");
}
TEST(LogJson, NumbersAndTruthValuesAreNotQuoted) {
  EXPECT_EQ(json({{"n", -7}, {"ok", false}, {"s", "7"}}),
            R"("level":"warn","event":"event","n":-7,"ok":false,"s":"7")");
}
TEST(LogJson, EscapesWhatJsonForbids) {
  EXPECT_EQ(json({{"s", "a\"b\\c\nd\x01"}}),
            R"("level":"warn","event":"event","s":"a\"b\\c\nd\u0001")");
  EXPECT_EQ(json({{"s", "é\xFF"}}), "\"level\":\"warn\",\"event\":\"event\",\"s\":\"é\\ufffd\"");
}
TEST(Log, WritesOneLineWithItsTimeAndOnlyFromTheLowestLevelOn) {
  configure(level::warn, format::text);
  testing::internal::CaptureStderr();
  info("unseen");
  error("seen", {{"k", "v"}});
  std::string out = testing::internal::GetCapturedStderr();
  EXPECT_FALSE(enabled(level::info));
  ASSERT_EQ(out.size(), std::string("2026-01-02T03:04:05.678Z error seen k=v\n").size()) << out;
  EXPECT_EQ(out.substr(23), "Z error seen k=v\n");
  EXPECT_EQ(out[10], 'T');

  configure(level::off, format::json);
  testing::internal::CaptureStderr();
  error("unseen");
  configure(level::debug, format::json);
  debug("seen", {{"n", 1}});
  out = testing::internal::GetCapturedStderr();
  EXPECT_EQ(out.substr(0, 9), "{\"time\":\"");
  EXPECT_EQ(out.substr(33), R"(","level":"debug","event":"seen","n":1})"
                            "\n");
}

}  // namespace
}  // namespace dunlin::log
