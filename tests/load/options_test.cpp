#include "tests/load/options.hpp"

#include <gtest/gtest.h>

namespace dunlin::load {
namespace {

parsed parse_words(std::vector<const char*> words) {
  words.insert(words.begin(), "dunlin-load");
  return parse(int(words.size()), words.data());
}

TEST(Options, HaveDefaultsThatRun) {
  const parsed p = parse_words({"fan-in"});
  ASSERT_TRUE(p.value) << p.message;
  EXPECT_EQ(p.value->what, scenario::fan_in);
  EXPECT_EQ(p.value->version, mqtt::version::v311);
  ASSERT_EQ(p.value->targets.size(), 1u);
  EXPECT_EQ(p.value->targets[0].text, "127.0.0.1:1883");
  EXPECT_EQ(p.value->outstanding, 1000u);  // QoS 0 has no other bound
}

TEST(Options, BoundDependsOnQosAndRate) {
  EXPECT_EQ(parse_words({"fan-in", "--qos", "1"}).value->outstanding, 0u);
  EXPECT_EQ(parse_words({"fan-in", "--rate", "100"}).value->outstanding, 0u);
  EXPECT_EQ(parse_words({"fan-in", "--outstanding", "0"}).value->outstanding, 0u);
  EXPECT_EQ(parse_words({"fan-in", "--qos", "1", "--subscribe-qos", "0"}).value->outstanding,
            1000u);
  EXPECT_EQ(parse_words({"retained"}).value->outstanding, 0u) << "nobody receives them yet";
  EXPECT_FALSE(parse_words({"retained", "--outstanding", "10"}).value);
}

TEST(Options, TakeEverythingThatIsGiven) {
  const parsed p =
      parse_words({"pairs",       "--pairs",      "7",           "--p2p",  "chat",  "--qos",
                   "2",           "--window",     "4",           "--mqtt", "5",     "--target",
                   "127.0.0.1:1", "--target",     "127.0.0.2:2", "--pid",  "12,13", "--rate",
                   "50.5",        "--persistent", "--threads",   "2"});
  ASSERT_TRUE(p.value) << p.message;
  EXPECT_EQ(p.value->pairs, 7u);
  EXPECT_EQ(p.value->p2p, "chat");
  EXPECT_EQ(p.value->qos, 2);
  EXPECT_EQ(p.value->subscribe_qos, 2);
  EXPECT_EQ(p.value->window, 4u);
  EXPECT_EQ(p.value->version, mqtt::version::v5);
  EXPECT_EQ(p.value->targets.size(), 2u);
  EXPECT_EQ(p.value->pids, (std::vector<int>{12, 13}));
  EXPECT_DOUBLE_EQ(p.value->rate, 50.5);
  EXPECT_TRUE(p.value->persistent);
  EXPECT_EQ(p.value->threads, 2u);
}

TEST(Options, RulesAreVerifiedByAcknowledgements) {
  EXPECT_EQ(parse_words({"rules"}).value->qos, 1);
  EXPECT_EQ(parse_words({"rules", "--topic", "t"}).value->queue, "t");
  EXPECT_FALSE(parse_words({"rules", "--qos", "0"}).value);
  EXPECT_EQ(
      parse_words({"rules", "--verify-embedded", "http://127.0.0.1:8080/"}).value->queue_api.text,
      "127.0.0.1:8080");
  EXPECT_FALSE(parse_words({"rules", "--verify-embedded", "http://192.0.2.1:8080"}).value);
  EXPECT_FALSE(parse_words({"rules", "--verify-embedded", "https://127.0.0.1"}).value);
}

TEST(Options, RefuseWhatCannotBeMeant) {
  for (const std::vector<const char*>& words : std::vector<std::vector<const char*>>{
           {},
           {"fan"},
           {"fan-in", "--qos", "3"},
           {"fan-in", "--payload", "23"},
           {"fan-in", "--unknown"},
           {"fan-in", "--window", "0"},
           {"fan-in", "--mqtt", "4"},
           {"fan-in", "--rate", "-1"},
           {"fan-in", "--target", "localhost"},
           {"fan-in", "--target", "127.0.0.1:port"},
           {"fan-in", "--clean", "--persistent"},
           {"fan-in", "--verify-embedded", "http://127.0.0.1:1"}}) {
    const parsed p = parse_words(words);
    EXPECT_FALSE(p.value) << (words.size() > 1 ? words[1] : "");
    EXPECT_EQ(p.exit_code, 1);
    EXPECT_NE(p.message.find("dunlin-load: "), std::string::npos);
  }
}

TEST(Options, RemoteTargetsMustBeAllowed) {
  const parsed refused = parse_words({"connect", "--target", "192.0.2.1:1883"});
  EXPECT_FALSE(refused.value);
  EXPECT_NE(refused.message.find("--allow-remote"), std::string::npos);
  EXPECT_TRUE(parse_words({"connect", "--target", "192.0.2.1:1883", "--allow-remote"}).value);
  EXPECT_TRUE(parse_words({"connect", "--target", "[::1]:1883"}).value);
}

TEST(Options, TargetsNameTheirTransport) {
  const parsed p =
      parse_words({"connect", "--insecure", "--target", "mqtt://127.0.0.1:1", "--target",
                   "tls://127.0.0.1:2", "--target", "ws://127.0.0.1:3/chat", "--target",
                   "wss://[::1]:4", "--target", "unix:///run/dunlin.sock"});
  ASSERT_TRUE(p.value) << p.message;
  const auto& t = p.value->targets;
  ASSERT_EQ(t.size(), 5u);
  EXPECT_FALSE(t[0].layered());
  EXPECT_TRUE(t[1].tls && !t[1].websocket);
  EXPECT_EQ(t[1].host, "127.0.0.1");
  EXPECT_TRUE(!t[2].tls && t[2].websocket);
  EXPECT_EQ(t[2].path, "/chat");
  EXPECT_EQ(t[2].authority, "127.0.0.1:3");
  EXPECT_TRUE(t[3].tls && t[3].websocket);
  EXPECT_EQ(t[3].path, "/mqtt");
  EXPECT_EQ(t[3].host, "::1");
  EXPECT_EQ(t[4].address.ss_family, AF_UNIX);
  EXPECT_FALSE(t[4].layered());
  EXPECT_TRUE(p.value->tls);
  EXPECT_FALSE(parse_words({"connect", "--target", "ws://127.0.0.1:3"}).value->tls);
}

TEST(Options, RefuseTransportsThatCannotBeMeant) {
  for (const char* target : {"http://127.0.0.1:1", "tls://127.0.0.1", "mqtt://127.0.0.1:1/path",
                             "unix://relative", "wss://192.0.2.1:1", "unix://"}) {
    EXPECT_FALSE(parse_words({"connect", "--insecure", "--target", target}).value) << target;
  }
  EXPECT_FALSE(parse_words({"connect", "--target", "tls://127.0.0.1:1", "--ca", "/none"}).value);
  EXPECT_FALSE(
      parse_words({"connect", "--target", "tls://127.0.0.1:1", "--cert", "/tmp/c.pem"}).value);
}

TEST(Options, HelpNamesEveryScenario) {
  const parsed p = parse_words({"--help"});
  EXPECT_EQ(p.exit_code, 0);
  for (const char* name :
       {"connect", "subscribe", "fan-in", "fan-out", "pairs", "shared", "retained", "rules"}) {
    EXPECT_NE(p.message.find(name), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace dunlin::load
