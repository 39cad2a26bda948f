#include "broker/mqtt/topic.hpp"

#include <gtest/gtest.h>

#include <string>

#include "broker/mqtt/ascii.hpp"

namespace dunlin::mqtt {
namespace {

using namespace std::string_view_literals;

struct match_case {
  std::string_view filter, topic;
  bool expected;
};

// The examples of section 4.7, in its order, then what they leave open.
constexpr match_case match_cases[] = {
    {"sport/tennis/player1/#", "sport/tennis/player1", true},
    {"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
    {"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
    {"sport/tennis/player1/#", "sport/tennis/player2", false},
    {"sport/#", "sport", true},
    {"#", "sport/tennis", true},
    {"sport/tennis/#", "sport/tennis", true},
    {"sport/tennis/+", "sport/tennis/player1", true},
    {"sport/tennis/+", "sport/tennis/player2", true},
    {"sport/tennis/+", "sport/tennis/player1/ranking", false},
    {"sport/+", "sport", false},
    {"sport/+", "sport/", true},
    {"+", "sport", true},
    {"+/tennis/#", "sport/tennis/x", true},
    {"sport/+/player1", "sport/tennis/player1", true},
    {"+/+", "/finance", true},
    {"/+", "/finance", true},
    {"+", "/finance", false},
    {"#", "$SYS/broker", false},
    {"+/monitor/Clients", "$SYS/monitor/Clients", false},
    {"$SYS/#", "$SYS/monitor", true},
    {"$SYS/monitor/+", "$SYS/monitor/Clients", true},
    {"ACCOUNTS", "Accounts", false},
    {"/finance", "finance", false},
    {"Accounts payable", "Accounts payable", true},
    {"a", "a", true},
    {"a", "ab", false},
    {"ab", "a", false},
    {"a/b", "a", false},
    {"a", "a/b", false},
    {"a/", "a", false},
    {"a", "a/", false},
    {"a/", "a/", true},
    {"/", "/", true},
    {"+/", "/", true},
    {"//", "//", true},
    {"/+/", "//", true},
    {"a/+/c", "a//c", true},
    {"a/+/#", "a", false},
    {"a/+/#", "a/b", true},
    {"a/+/#", "a/b/c/d", true},
    {"/#", "/", true},
    {"/#", "/a", true},
    {"/#", "a", false},
    {"+/#", "a", true},
    {"+/+/#", "a", false},
    {"a/#", "ab", false},
    {"a/#", "a/", true},
    {"a/$b", "a/$b", true},
    {"a/+", "a/$b", true},
    {"\xc3\xa4/+", "\xc3\xa4/\xc3\xb6", true},
};

TEST(Matches, FollowsSection47) {
  for (const match_case& c : match_cases) {
    EXPECT_EQ(matches(c.filter, c.topic), c.expected) << c.filter << " on " << c.topic;
  }
}

TEST(Matches, NothingMatchesTheEmptyText) {
  EXPECT_FALSE(matches("#", ""));
  EXPECT_FALSE(matches("", "a"));
}

TEST(ValidTopicFilter, TakesWhatSection47Shows) {
  for (std::string_view filter :
       {"#"sv, "+"sv, "/"sv, "a"sv, "sport/tennis/#"sv, "+/tennis/#"sv, "sport/+/player1"sv, "/#"sv,
        "//"sv, "a b"sv, "$SYS/#"sv, "$share/g/a"sv, "$share/g/#"sv, "$share/g//"sv, "$share"sv,
        "$shared/+"sv, "$share/g/+/b"sv}) {
    EXPECT_TRUE(valid_topic_filter(filter)) << filter;
  }
}

TEST(ValidTopicFilter, RefusesTheRest) {
  for (std::string_view filter : {""sv,
                                  "sport/tennis#"sv,
                                  "sport/tennis/#/ranking"sv,
                                  "sport+"sv,
                                  "+a"sv,
                                  "a/+b/c"sv,
                                  "##"sv,
                                  "#/"sv,
                                  "a#"sv,
                                  "++"sv,
                                  "a\0b"sv,
                                  "$share/"sv,
                                  "$share/g"sv,
                                  "$share/g/"sv,
                                  "$share//a"sv,
                                  "$share/g+/a"sv,
                                  "$share/#/a"sv,
                                  "$share/g/a#"sv,
                                  "$share/g/$share/h/a"sv,
                                  "$share/g\0/a"sv}) {
    EXPECT_FALSE(valid_topic_filter(filter)) << filter;
  }
}

TEST(ValidTopicName, HasNoWildcard) {
  for (std::string_view topic : {"a"sv, "/"sv, "$SYS/x"sv, "a b/c"sv, "\xc3\xa4"sv}) {
    EXPECT_TRUE(valid_topic_name(topic)) << topic;
  }
  for (std::string_view topic :
       {""sv, "a/+"sv, "#"sv, "a\0"sv, "\xc3\xa4+"sv, "a long name with one #"sv}) {
    EXPECT_FALSE(valid_topic_name(topic)) << topic;
  }
}

TEST(ParseShared, SplitsGroupAndFilter) {
  auto parts = parse_shared("$share/group/a/b");
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->group, "group");
  EXPECT_EQ(parts->filter, "a/b");
  EXPECT_EQ(parse_shared("$share/g//a")->filter, "/a");
  EXPECT_FALSE(parse_shared("share/g/a"));
  EXPECT_FALSE(parse_shared("$share/g"));
  EXPECT_FALSE(parse_shared("$share//a"));
}

TEST(FirstTwoLevels, EndsBeforeTheSecondSlash) {
  EXPECT_EQ(first_two_levels("a/b/c"), "a/b");
  EXPECT_EQ(first_two_levels("a/b"), "a/b");
  EXPECT_EQ(first_two_levels("a"), "a");
  EXPECT_EQ(first_two_levels("/a/b"), "/a");
  EXPECT_EQ(first_two_levels("a//b"), "a/");
  EXPECT_EQ(first_two_levels(""), "");
}

TEST(HasWildcard, SeesBoth) {
  EXPECT_TRUE(has_wildcard("a/+/b"));
  EXPECT_TRUE(has_wildcard("#"));
  EXPECT_FALSE(has_wildcard("a/b"));
}

TEST(ValidUtf8, TakesTheEdgesOfEveryLength) {
  for (std::string_view text :
       {""sv, "\x01"sv, "\x7f"sv, "\xc2\x80"sv, "\xdf\xbf"sv, "\xe0\xa0\x80"sv, "\xed\x9f\xbf"sv,
        "\xee\x80\x80"sv, "\xef\xbb\xbf"sv, "\xef\xbf\xbf"sv, "\xf0\x90\x80\x80"sv,
        "\xf4\x8f\xbf\xbf"sv,
        "plain text of more than eight bytes, then \xe2\x82\xac and more"sv}) {
    EXPECT_TRUE(valid_utf8(text)) << text;
    EXPECT_TRUE(valid_utf8("12345678" + std::string(text) + "12345678")) << text;
  }
}

TEST(ValidUtf8, RefusesWhatIsNotWellFormed) {
  for (std::string_view text : {"\0"sv,
                                "\x80"sv,
                                "\xbf"sv,
                                "\xc0\x80"sv,
                                "\xc0\xaf"sv,
                                "\xc1\xbf"sv,
                                "\xc2"sv,
                                "\xc2\x41"sv,
                                "\xc2\xc2"sv,
                                "\xe0\x80\x80"sv,
                                "\xe0\x9f\xbf"sv,
                                "\xe2\x82"sv,
                                "\xe2\x82\x41"sv,
                                "\xed\xa0\x80"sv,
                                "\xed\xbf\xbf"sv,
                                "\xf0\x80\x80\x80"sv,
                                "\xf0\x8f\xbf\xbf"sv,
                                "\xf0\x9f\x90"sv,
                                "\xf4\x90\x80\x80"sv,
                                "\xf5\x80\x80\x80"sv,
                                "\xf8\x88\x80\x80\x80"sv,
                                "\xfe"sv,
                                "\xff"sv}) {
    EXPECT_FALSE(valid_utf8(text)) << text.size();
    EXPECT_FALSE(valid_utf8("12345678" + std::string(text))) << text.size();
    EXPECT_FALSE(valid_utf8(std::string(text) + "12345678")) << text.size();
  }
}

TEST(ValidUtf8, AgreesWithUnicodeOnEveryCodePoint) {
  for (uint32_t c = 1; c <= 0x110FFF; ++c) {
    std::string text;
    if (c < 0x80) {
      text = {static_cast<char>(c)};
    } else if (c < 0x800) {
      text = {static_cast<char>(0xC0 | c >> 6), static_cast<char>(0x80 | (c & 0x3F))};
    } else if (c < 0x10000) {
      text = {static_cast<char>(0xE0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 0x3F)),
              static_cast<char>(0x80 | (c & 0x3F))};
    } else {
      text = {static_cast<char>(0xF0 | c >> 18), static_cast<char>(0x80 | (c >> 12 & 0x3F)),
              static_cast<char>(0x80 | (c >> 6 & 0x3F)), static_cast<char>(0x80 | (c & 0x3F))};
    }
    bool surrogate = c >= 0xD800 && c <= 0xDFFF;
    ASSERT_EQ(valid_utf8(text), !surrogate && c <= 0x10FFFF) << std::hex << c;
  }
}

TEST(Ascii, FindsEveryByteAtEveryPlaceOfEveryLength) {
  for (size_t length = 0; length <= 26; ++length) {
    std::string text(length, 'a');
    EXPECT_TRUE(ascii_text(text));
    EXPECT_TRUE(ascii_topic(text));
    for (size_t at = 0; at < length; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        text[at] = static_cast<char>(byte);
        bool plain = byte != 0 && byte < 0x80;
        ASSERT_EQ(ascii_text(text), plain) << length << " " << at << " " << byte;
        ASSERT_EQ(ascii_topic(text), plain && byte != '+' && byte != '#')
            << length << " " << at << " " << byte;
      }
      text[at] = 'a';
    }
  }
}

}  // namespace
}  // namespace dunlin::mqtt
