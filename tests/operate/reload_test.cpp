// What a reload finds changed, and when it comes into force. Files, but no node.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <new>

#include "broker/config_settings.hpp"
#include "broker/operate/config_diff.hpp"
#include "broker/operate/reloader.hpp"

namespace dunlin::operate {
namespace {

config parsed(const std::string& text) {
  const auto c = parse_config(text, {});
  EXPECT_TRUE(c.ok()) << std::string(c.status().message());
  return c.ok() ? c->values : config{};
}
std::string text(const changes& all) {
  std::string out;
  for (const auto& c : all)
    out += c.key + ": " + c.from + " -> " + c.to + " (" + to_string(c.when) + ")\n";
  return out;
}
std::string difference(const std::string& from, const std::string& to) {
  return text(compare(parsed(from), parsed(to)));
}

TEST(ConfigDiff, EveryKeySaysWhatAReloadDoesWithIt) {
  std::string all;
  for (const auto& key : unclassified_keys()) all += key + " ";
  EXPECT_EQ(all, "") << "give each of them, or its section, a `reload` option in config.proto";
}

TEST(ConfigDiff, AKeyIsToldWithOldAndNewValue) {
  EXPECT_EQ(difference("", "limits: {queue_messages_max: 50}"),
            "limits.queue_messages_max: 100000 -> 50 (at once)\n");
  EXPECT_EQ(difference("", "limits: {receive_max: 10}"),
            "limits.receive_max: 65535 -> 10 (new connections)\n");
  EXPECT_EQ(difference("", "node: {name: other}"),
            "node.name: \"n1\" -> \"other\" (after a restart)\n");
  EXPECT_EQ(difference("log: {level: info}", "log: {level: debug}"),
            "log.level: \"info\" -> \"debug\" (at once)\n");
}

TEST(ConfigDiff, ADefaultThatIsSpelledOutIsNoChange) {
  EXPECT_EQ(difference("", "limits: {queue_messages_max: 100000}\nlog: {level: info}"), "");
}

TEST(ConfigDiff, ASecretIsToldWithoutItsValue) {
  const std::string both = "rocketmq: {endpoint: \"127.0.0.1:8081\", access_key: a, secret_key: ";
  EXPECT_EQ(difference(both + "one}", both + "two}"),
            "rocketmq.secret_key: \"(hidden)\" -> \"(hidden)\" (after a restart)\n");
}

TEST(ConfigDiff, EntriesOfAListAreMatchedByName) {
  const std::string a = "{name: a, address: \"127.0.0.1:1\"}";
  const std::string b = "{name: b, address: \"127.0.0.1:2\"}";
  const std::string moved = "{name: b, address: \"127.0.0.1:3\"}";
  const auto c =
      compare(parsed("listeners: [" + a + ", " + b + "]"), parsed("listeners: [" + moved + "]"));
  ASSERT_EQ(c.size(), 2u) << text(c);
  EXPECT_EQ(c[0].key, "listeners.a");
  EXPECT_EQ(c[0].to, "");
  EXPECT_EQ(c[1].key, "listeners.b.address");
  EXPECT_EQ(c[1].from + c[1].to, "\"127.0.0.1:2\"\"127.0.0.1:3\"");
}

TEST(ConfigDiff, ThePresetIsToldWithWhatItChanges) {
  const auto c = compare(parsed(""), parsed("limits: {preset: product}"));
  EXPECT_TRUE(std::any_of(c.begin(), c.end(), [](const change& x) {
    return x.key == "limits.subscriptions_per_client_max" && x.to == "30";
  })) << text(c);
}

// Every limit that is said to be in force at once reaches the settings that reactors read.
TEST(ConfigSettings, EveryLimitReachesTheSettings) {
  const auto bytes_of = [](const config& c) {
    alignas(options) unsigned char raw[sizeof(options)] = {};
    new (raw) options(to_options(c));
    return std::string(reinterpret_cast<const char*>(raw), sizeof raw);
  };
  const auto* limits = proto::Limits::descriptor();
  const std::string before = bytes_of({});
  for (int i = 0; i < limits->field_count(); ++i) {
    const auto* f = limits->field(i);
    config c;
    auto& m = *c.mutable_limits();
    const auto& r = *m.GetReflection();
    using google::protobuf::FieldDescriptor;
    if (f->cpp_type() == FieldDescriptor::CPPTYPE_UINT32)
      r.SetUInt32(&m, f, f->default_value_uint32() ^ 1);
    else if (f->cpp_type() == FieldDescriptor::CPPTYPE_UINT64)
      r.SetUInt64(&m, f, f->default_value_uint64() ^ 1);
    else if (f->cpp_type() == FieldDescriptor::CPPTYPE_BOOL)
      r.SetBool(&m, f, !f->default_value_bool());
    else
      continue;  // the preset: the loader turns it into values
    EXPECT_NE(bytes_of(c), before) << f->name() << " is not taken over by to_options()";
  }
}

class ReloaderTest : public ::testing::Test {
 protected:
  ReloaderTest() : file_(testing::TempDir() + "/reload_test.yaml") {}
  void write(const std::string& text) { std::ofstream(file_) << text; }
  loaded_config load(config_source s = {}) {
    s.file = file_;
    auto c = load_config(s);
    EXPECT_TRUE(c.ok()) << std::string(c.status().message());
    return c.ok() ? *c : loaded_config{};
  }
  reload_outcome run(reloader& r) {
    return r.run([this](const config& wanted, const changes&) {
      ++applied_;
      in_force_ = wanted;
      return refusal_;
    });
  }
  std::string file_;
  int applied_ = 0;
  config in_force_;
  std::vector<std::string> refusal_;
};

TEST_F(ReloaderTest, PutsInForceWhatChangedAndTellsWhatNeedsARestart) {
  write("limits: {queue_messages_max: 10}\n");
  reloader r(load());
  write("limits: {queue_messages_max: 20}\nnode: {name: other}\n");
  auto o = run(r);
  EXPECT_EQ(text(o.changed), "limits.queue_messages_max: 10 -> 20 (at once)\n");
  EXPECT_EQ(text(o.needs_restart), "node.name: \"n1\" -> \"other\" (after a restart)\n");
  EXPECT_EQ(in_force_.limits().queue_messages_max(), 20u);
  o = run(r);
  EXPECT_EQ(text(o.changed), "");
  EXPECT_EQ(text(o.needs_restart), "node.name: \"n1\" -> \"other\" (after a restart)\n")
      << "until the restart it is told every time";
}

TEST_F(ReloaderTest, AnInvalidFileChangesNothingAndTellsPlaceAndHint) {
  write("limits: {queue_messages_max: 10}\n");
  reloader r(load());
  write("limits:\n  queue_mesages_max: 20\n  qos_max: 7\n");
  const auto o = run(r);
  EXPECT_EQ(applied_, 0);
  ASSERT_EQ(o.faults.size(), 2u);
  EXPECT_NE(o.faults[0].find("reload_test.yaml:2:"), std::string::npos) << o.faults[0];
  EXPECT_NE(o.faults[0].find("Hint: did you mean \"queue_messages_max\""), std::string::npos)
      << o.faults[0];
  write("limits: {queue_messages_max: 30}\n");
  EXPECT_EQ(text(run(r).changed), "limits.queue_messages_max: 10 -> 30 (at once)\n");
}

TEST_F(ReloaderTest, EnvironmentAndSetStillWin) {
  write("limits: {queue_messages_max: 10, receive_max: 5}\n");
  reloader r(load({.settings = {"limits.queue_messages_max=7"},
                   .environment = {{"DUNLIN_LIMITS_RECEIVE_MAX", "6"}}}));
  write("limits: {queue_messages_max: 20, receive_max: 30, topic_levels_max: 9}\n");
  EXPECT_EQ(text(run(r).changed), "limits.topic_levels_max: 128 -> 9 (at once)\n");
  EXPECT_EQ(in_force_.limits().queue_messages_max(), 7u);
  EXPECT_EQ(in_force_.limits().receive_max(), 6u);
}

TEST_F(ReloaderTest, WhatCannotBePutInForceIsAFaultAndIsTriedAgain) {
  write("");
  reloader r(load());
  write("limits: {queue_messages_max: 20}\n");
  refusal_ = {"listeners.tls.address: taken"};
  auto o = run(r);
  ASSERT_EQ(o.faults.size(), 1u);
  EXPECT_EQ(o.faults[0], file_ + ": listeners.tls.address: taken");  // with its place
  EXPECT_TRUE(o.changed.empty());
  refusal_.clear();
  EXPECT_EQ(run(r).changed.size(), 1u);
}

}  // namespace
}  // namespace dunlin::operate
