#include "rules/rocketmq_limits.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace dunlin::rules {
namespace {

queue_message plain() {
  queue_message m;
  m.body = "x";
  m.message_id = "id";
  return m;
}

std::string refusal_with(property p) {
  auto m = plain();
  m.properties = {std::move(p)};
  return refusal(m);
}

bool says(const std::string& why, std::string_view part) {
  return why.find(part) != std::string::npos;
}

TEST(RocketmqLimits, PlainMessageIsTaken) {
  auto m = plain();
  m.tag = "report";
  m.keys = {"k 1", "k2"};
  m.properties = {{"clientId", "GID@@@d1"}, {"empty", ""}, {"name with spaces", "ü"}};
  EXPECT_EQ(refusal(m), "");
}

TEST(RocketmqLimits, BodyHasOneToFourMebibytes) {
  auto m = plain();
  m.body.assign(4194304, 'x');
  EXPECT_EQ(refusal(m), "");
  m.body += 'x';
  EXPECT_TRUE(says(refusal(m), "4194305"));
  m.body.clear();
  EXPECT_TRUE(says(refusal(m), "empty"));
}

TEST(RocketmqLimits, MessageIdMustNotBeBlank) {
  auto m = plain();
  m.message_id = "  ";
  EXPECT_TRUE(says(refusal(m), "message ID is blank"));
}

TEST(RocketmqLimits, TagsKeysAndPropertiesShareTheirBytes) {
  auto m = plain();
  m.tag = std::string(100, 't');
  m.keys = {std::string(100, 'k')};
  m.properties = {{"n", std::string(16384 - 201, 'v')}};
  EXPECT_EQ(refusal(m), "");
  m.properties[0].second += 'v';
  EXPECT_TRUE(says(refusal(m), "16385"));
}

TEST(RocketmqLimits, PropertiesAreAtMost128) {
  auto m = plain();
  for (int i = 0; i < 128; ++i) m.properties.emplace_back("p" + std::to_string(i), "v");
  EXPECT_EQ(refusal(m), "");
  m.properties.emplace_back("one more", "v");
  EXPECT_TRUE(says(refusal(m), "129 properties"));
}

TEST(RocketmqLimits, ReservedNamesAreRefused) {
  for (const char* name : {"KEYS", "TAGS", "UNIQ_KEY", "1ST_POP_TIME", "__CRC32#", "__SHARDINGKEY",
                           "__transactionId__", "TIMER_DELAY_MS", "_SYS_MSG_PRIORITY_", "WAIT"}) {
    EXPECT_TRUE(reserved_property(name)) << name;
    EXPECT_TRUE(says(refusal_with({name, "v"}), name)) << name;
  }
  for (const char* name : {"keys", "KEYS2", "KEY", "clientId", "", "TIMER", "qoslevel"})
    EXPECT_FALSE(reserved_property(name)) << name;
}

TEST(RocketmqLimits, ControlCharactersAreThoseOfJava) {
  for (const std::string_view bad : {"a\nb", "\t", "\x7f", "a\xc2\x85z", "\xc2\x80", "\xc2\x9f"}) {
    EXPECT_TRUE(has_control_character(bad)) << bad;
    EXPECT_TRUE(says(refusal_with({"n", std::string(bad)}), "control character")) << bad;
    EXPECT_TRUE(says(refusal_with({std::string(bad), "v"}), "control character")) << bad;
  }
  EXPECT_TRUE(has_control_character(std::string_view("\0", 1)));
  for (const std::string_view good : {"", "a b", "~", "\xc2\xa0", "\xc3\x82", "\xe4\xbd\xa0"})
    EXPECT_FALSE(has_control_character(good)) << good;
}

TEST(RocketmqLimits, EveryByteIsJudgedWhereverItStands) {
  for (size_t length = 1; length <= 17; ++length)
    for (size_t at = 0; at < length; ++at)
      for (int byte = 0; byte < 256; ++byte) {
        auto m = plain();
        std::string value(length, 'x');
        value[at] = static_cast<char>(byte);
        m.properties = {{"p", value}};
        const bool printable = byte >= 0x20 && byte < 0x7F;  // alone, 0x80 and up are not UTF-8
        EXPECT_EQ(refusal(m).empty(), printable) << byte << " at " << at << " of " << length;
      }
}

TEST(RocketmqLimits, TextThatIsNotUtf8IsRefusedSinceItWouldBreakTheWholeRequest) {
  EXPECT_TRUE(says(refusal_with({"n", "\xff"}), "not UTF-8"));
  auto m = plain();
  m.tag = "\xc3";
  EXPECT_TRUE(says(refusal(m), "not UTF-8"));
  m.tag.clear();
  m.keys = {"ok", "\xed\xa0\x80"};
  EXPECT_TRUE(says(refusal(m), "not UTF-8"));
}

TEST(RocketmqLimits, BodyMayHoldAnyBytes) {
  auto m = plain();
  m.body = std::string("\0\xff\n", 3);
  EXPECT_EQ(refusal(m), "");
}

TEST(RocketmqLimits, TagsAndKeysAreNotBlankAndATagHasNoBar) {
  auto m = plain();
  m.tag = "a|b";
  EXPECT_TRUE(says(refusal(m), "contains |"));
  m.tag = " ";
  EXPECT_TRUE(says(refusal(m), "blank"));
  m.tag.clear();
  m.keys = {""};
  EXPECT_TRUE(says(refusal(m), "blank"));
}

TEST(RocketmqLimits, ReasonShowsNoBytesThatBreakALogLine) {
  const auto why = refusal_with({"a\nb\xff" + std::string(200, 'n'), "v"});
  EXPECT_FALSE(why.empty());
  EXPECT_FALSE(has_control_character(why));
  EXPECT_LT(why.size(), 150u);
}

TEST(RocketmqLimits, TopicNames) {
  for (const auto& good :
       {std::string("sensors_up"), std::string("%RETRY%g"), std::string(127, 'a')})
    EXPECT_EQ(topic_fault(good), "") << good;
  for (const auto& bad : {std::string(), std::string(128, 'a'), std::string("a/b"),
                          std::string("a b"), std::string("ü")})
    EXPECT_NE(topic_fault(bad), "") << bad;
}

TEST(RocketmqLimits, BatchNeedsEqualPropertiesUnlessMixed) {
  std::vector<queue_message> batch(3, plain());
  for (size_t i = 0; i < batch.size(); ++i) batch[i].message_id = "id" + std::to_string(i);
  EXPECT_EQ(batch_fault(batch, false), "");
  for (auto change :
       {+[](queue_message& m) { m.tag = "t"; }, +[](queue_message& m) { m.keys = {"k"}; },
        +[](queue_message& m) {
          m.properties = {{"n", "v"}};
        }}) {
    auto changed = batch;
    change(changed[2]);
    EXPECT_TRUE(says(batch_fault(changed, false), "same tag, keys and properties"));
    EXPECT_EQ(batch_fault(changed, true), "");
  }
}

TEST(RocketmqLimits, BatchHasNoMessageGroups) {
  std::vector<queue_message> batch(2, plain());
  batch[1].message_group = "g";
  EXPECT_TRUE(says(batch_fault(batch, true), "alone"));
  batch.resize(1);
  batch[0].message_group = "g";
  EXPECT_EQ(batch_fault(batch, true), "");
}

TEST(RocketmqLimits, BatchFitsTheServerWithWhatItAdds) {
  std::vector<queue_message> batch(1024, plain());
  for (auto& m : batch) m.body.assign(3670016 / 1024, 'x');
  EXPECT_EQ(batch_fault(batch, false), "") << "what limits() allow must pass";
  for (auto& m : batch) m.body.append(600, 'x');
  EXPECT_TRUE(says(batch_fault(batch, false), "batch of"));
}

TEST(RocketmqLimits, GroupThatTheServerWouldRefuseIsReplacedByItsHash) {
  EXPECT_EQ(wire_group(""), "");
  EXPECT_EQ(wire_group("GID@@@d1"), "GID@@@d1");
  EXPECT_EQ(wire_group(std::string(63, 'g')), std::string(63, 'g'));
  for (const auto& group :
       {std::string(64, 'g'), std::string("a\nb"), std::string(" "), std::string("\xff")}) {
    EXPECT_EQ(wire_group(group).size(), 45u) << group;
    EXPECT_EQ(wire_group(group), wire_group(group));
  }
  EXPECT_NE(wire_group(std::string(64, 'g')), wire_group(std::string(65, 'g')));
  EXPECT_EQ(wire_group(" "), "sha1-b858cb282617fb0956d960215c8e84d1ccf909c6");
}

}  // namespace
}  // namespace dunlin::rules
