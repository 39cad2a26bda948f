#include "broker/config.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

namespace dunlin {
namespace {

// The error of a configuration, or "ok".
std::string fault(const std::string& text, config_source from = {}) {
  from.file = "f.yaml";
  const auto loaded = parse_config(text, from);
  return loaded.ok() ? "ok" : std::string(loaded.status().message());
}
loaded_config good(const std::string& text, config_source from = {}) {
  from.file = "f.yaml";
  auto loaded = parse_config(text, from);
  EXPECT_TRUE(loaded.ok()) << std::string(loaded.status().message());
  return loaded.ok() ? *loaded : loaded_config{};
}

TEST(ConfigDefault, OneListenerOnLoopbackAndNoRules) {
  const auto c = load_config({});
  ASSERT_TRUE(c.ok()) << std::string(c.status().message());
  ASSERT_EQ(c->values.listeners_size(), 1);
  EXPECT_EQ(c->values.listeners(0).name(), "tcp");
  EXPECT_EQ(c->values.listeners(0).address(), "127.0.0.1:1883");
  EXPECT_EQ(c->values.rules_size(), 0);
  EXPECT_TRUE(c->values.access().anonymous());
  EXPECT_TRUE(c->origins.empty());
}
TEST(ConfigDefault, SectionsWithEveryKeyCommentedOutAreDefaults) {
  EXPECT_EQ(good("node:\nlisteners:\nrules:\nlimits:\n").values.listeners_size(), 1);
}
TEST(ConfigFile, TheDocumentedOneIsRead) {
  const auto c = good(R"(
node: {name: n7, data_dir: ./data, reactors: 2}
listeners:
  - {name: tcp, transport: tcp, address: "127.0.0.1:1884"}
  - {name: six, address: "[::1]:1885"}
http: {address: "127.0.0.1:8081"}
access: {anonymous: true}
cluster: {listen: "127.0.0.1:7946"}
rocketmq: {endpoint: "rocketmq.local:8081", access_key: "a", secret_key: "s: x"}
rules:
  - {id: report, type: outbound, topic: sensors, queue: sensors_up}
  - {id: command, type: inbound, queue: sensors_down, topic: sensors}
  - {id: presence, type: status, group: GID_demo, queue: presence}
store: {sync: interval, interval_ms: 2s}
log: {level: debug, format: json}
)");
  EXPECT_EQ(c.values.node().name(), "n7");
  EXPECT_EQ(c.values.node().reactors(), 2u);
  EXPECT_EQ(c.values.listeners(1).address(), "[::1]:1885");
  EXPECT_EQ(c.values.rocketmq().secret_key(), "s: x");
  EXPECT_EQ(c.values.rules(2).type(), proto::Rule::STATUS);
  EXPECT_EQ(c.values.store().sync(), proto::Store::INTERVAL);
  EXPECT_EQ(c.values.store().interval_ms(), 2000u);
  EXPECT_EQ(c.values.log().level(), proto::Log::DEBUG);
  EXPECT_EQ(to_socket_address("[::1]:1885").host, "::1");
  EXPECT_EQ(to_socket_address("[::1]:1885").port, 1885);
}
TEST(ConfigFile, TheSampleIsGood) {
  const auto c = load_config({.file = "tools/dunlin.sample.yaml"});
  ASSERT_TRUE(c.ok()) << std::string(c.status().message());
  EXPECT_EQ(c->values.rules_size(), 3);
  EXPECT_TRUE(c->warnings.empty());
}

TEST(ConfigFault, UnknownKeyHasItsPlaceAndTheOneMeant) {
  EXPECT_EQ(
      fault("node: {name: n1}\nlisteners:\n  - {name: tcp, adress: \"127.0.0.1:1883\"}\n"),
      "f.yaml:3:17: listeners.0.adress: there is no such key. Hint: did you mean \"address\"?");
  EXPECT_EQ(fault("lsteners: []\n"),
            "f.yaml:1:1: lsteners: there is no such key. Hint: did you mean \"listeners\"?");
  EXPECT_EQ(fault("access: {password: x}"),
            "f.yaml:1:10: access.password: there is no such key. Hint: the keys here are: "
            "anonymous, users");
  EXPECT_EQ(fault("embedded_queue: {retention: 3d}"),
            "f.yaml:1:18: embedded_queue.retention: there is no such key. Hint: did you mean "
            "\"retention_s\"?");
}
TEST(ConfigFault, WrongKindOfValue) {
  EXPECT_EQ(fault("http: 8080\n"),
            "f.yaml:1:7: http: must be a section of keys, not the single value \"8080\". Hint: "
            "write {enabled: ...}, "
            "with keys of: enabled, address, connections_max, header_bytes_max, body_bytes_max, "
            "idle_timeout_ms");
  EXPECT_EQ(fault("listeners:\n  name: tcp\n"),
            "f.yaml:2:3: listeners: must be a list, not a section of keys. Hint: write each entry "
            "as - {name: ...}");
  EXPECT_EQ(fault("node:\n  name: [a]\n"),
            "f.yaml:2:9: node.name: must be a single value, not a list.");
  EXPECT_EQ(fault("node:\n  name:\n"),
            "f.yaml:2:3: node.name: has no value. Hint: give it one, or remove the key to have its "
            "default");
  EXPECT_EQ(fault("- a\n").substr(0, 48), "f.yaml:1:1: must be a section of keys, not a lis");
  EXPECT_EQ(fault("rules:\n  -\n").substr(0, 35), "f.yaml:2:3: rules.0: this entry is ");
}
TEST(ConfigFault, WrongNumber) {
  EXPECT_EQ(fault("node: {reactors: many}"),
            "f.yaml:1:18: node.reactors: \"many\" is not a number that fits here. Hint: write a "
            "whole number such as 100");
  EXPECT_EQ(fault("limits:\n  packet_bytes_max: 1M\n"),
            "f.yaml:2:21: limits.packet_bytes_max: \"1M\" is not a number that fits here. Hint: "
            "write a size such as "
            "256MiB, 64KiB or 1048576 (bytes)");
  EXPECT_EQ(fault("limits:\n  slow_grace_ms: 1.5s\n").substr(0, 53),
            "f.yaml:2:18: limits.slow_grace_ms: \"1.5s\" is not a nu");
  EXPECT_EQ(fault("limits: {qos_max: 3}"),
            "f.yaml:1:19: limits.qos_max: \"3\" is out of range. Hint: it goes from 0 to 2");
  EXPECT_EQ(fault("limits: {packet_bytes_max: 300MiB}"),
            "f.yaml:1:28: limits.packet_bytes_max: \"300MiB\" is out of range. Hint: it goes from "
            "128 to 268435460 "
            "bytes");
  EXPECT_EQ(fault("limits: {connections_max: -1}").substr(0, 53),
            "f.yaml:1:27: limits.connections_max: \"-1\" is not a nu");
  EXPECT_EQ(fault("limits: {connections_max: 4294967296}").substr(0, 72),
            "f.yaml:1:27: limits.connections_max: \"4294967296\" is out of range. Hint:");
  EXPECT_EQ(fault("limits: {queue_bytes_max: 99999999999TiB}").substr(0, 55),
            "f.yaml:1:27: limits.queue_bytes_max: \"99999999999TiB\" i");
}
TEST(ConfigFault, WrongWordOrTruthValue) {
  EXPECT_EQ(fault("store: {sync: sometimes}"),
            "f.yaml:1:15: store.sync: \"sometimes\" is not one of its values. Hint: it is one of: "
            "always, interval, never");
  EXPECT_EQ(fault("log: {level: INFO}").substr(0, 58),
            "f.yaml:1:14: log.level: \"INFO\" is not one of its values. H");
  EXPECT_EQ(fault("access: {anonymous: yes}"),
            "f.yaml:1:21: access.anonymous: must be true or false, not \"yes\".");
}
TEST(ConfigFault, ControlCharactersInText) {
  EXPECT_EQ(
      fault("rocketmq: {access_key: \"a\\nb\", secret_key: x}"),
      "f.yaml:1:24: rocketmq.access_key: has control characters or bytes that are not UTF-8.");
}
TEST(ConfigFault, NotYaml) {
  EXPECT_EQ(fault("node: {name: n1\n").substr(0, 26), "f.yaml:2:1: this is not YA");
  EXPECT_EQ(fault("node:\n  name: n1\n name: n2\n").substr(0, 26), "f.yaml:3:2: this is not YA");
  EXPECT_EQ(fault("node: {name: a}\nnode: {name: b}\n"),
            "f.yaml:2:1: node: this key is given twice. Hint: it is also in line 1");
  EXPECT_EQ(fault("node: &n {name: a}\nhttp: *n\n").substr(0, 30),
            "f.yaml:2:7: http: aliases (*na");
  EXPECT_EQ(fault("node: {name: a}\n---\nnode: {name: b}\n").substr(0, 42),
            "f.yaml:3:1: a second document starts here.");
  EXPECT_NE(fault(std::string(1000, '[')).find("nested too deeply"), std::string::npos);
}
TEST(ConfigFault, EveryOneIsToldOnALineOfItsOwn) {
  const std::string all = fault("node: {nam: x}\nhttp: {prot: 1}\nstore: {sync: no}\n");
  EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 2);
  EXPECT_EQ(all.substr(all.find("store")), fault("\n\nstore: {sync: no}\n").substr(13));
}
TEST(ConfigFault, AlteredFilesAreReadOrRefusedWithTheirPlace) {
  const uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::stringstream sample;
  sample << std::ifstream("tools/dunlin.sample.yaml").rdbuf();
  const std::string bytes = "{}[]:,-&*!|>'\"%@`#\n \t?~<09a\xC3\xFF";
  for (int i = 0; i < 3000; ++i) {
    std::string text = sample.str();
    for (size_t n = 1 + random() % 4; n > 0; --n) {
      const size_t at = random() % text.size();
      if (random() % 3 == 0)
        text.erase(at, 1 + random() % 40);
      else
        text.insert(at, 1, bytes[random() % bytes.size()]);
    }
    const std::string told = fault(text);
    EXPECT_TRUE(told == "ok" || told.starts_with("f.yaml:")) << told << "\n" << text;
  }
}
TEST(ConfigFault, TooManyAreCounted) {
  std::string text = "node: {";
  for (int i = 0; i < 30; ++i) text += (i ? ", k" : "k") + std::to_string(i) + "x: 1";
  const std::string all = fault(text + "}");
  EXPECT_TRUE(all.ends_with("\n... and 10 more.")) << all;
}

TEST(ConfigCheck, Listeners) {
  EXPECT_EQ(
      fault("listeners:\n  - {name: a, address: localhost}\n"),
      "f.yaml:2:24: listeners.0.address: \"localhost\" is not an address to listen on. Hint: write "
      "\"127.0.0.1:1883\", \"0.0.0.0:1883\" or \"[::1]:1883\"");
  for (const char* bad :
       {"127.0.0.1", "127.0.0.1:70000", "::1:1883", "host.example:1883", ":1883", "127.0.0.1:x"})
    EXPECT_NE(fault("listeners: [{name: a, address: \"" + std::string(bad) + "\"}]")
                  .find("is not an address"),
              std::string::npos)
        << bad;
  EXPECT_EQ(
      fault(
          "listeners:\n  - {name: a, address: 127.0.0.1:1}\n  - {name: a, address: 127.0.0.1:2}\n"),
      "f.yaml:3:12: listeners.1.name: the name \"a\" is taken by listeners.0. Hint: give each "
      "listener its own "
      "name");
  EXPECT_EQ(
      fault(
          "listeners:\n  - {name: a, address: 127.0.0.1:1}\n  - {name: b, address: 127.0.0.1:1}\n"),
      "f.yaml:3:24: listeners.1.address: \"127.0.0.1:1\" is taken by listeners.0.address. Hint: "
      "give each its "
      "own port");
  EXPECT_NE(fault("listeners: [{name: a, address: \"0.0.0.0:8080\"}]")
                .find("http.address: \"127.0.0.1:8080\" is taken"),
            std::string::npos);
  EXPECT_EQ(fault("listeners: [{name: a, address: 127.0.0.1:0}, {name: b, address: 127.0.0.1:0}]"),
            "ok");
  EXPECT_EQ(fault("listeners: [{name: a}]"),
            "f.yaml:1:13: listeners.0.address: a listener needs an address. Hint: write "
            "\"127.0.0.1:1883\", "
            "\"0.0.0.0:1883\" or \"[::1]:1883\"");
  EXPECT_EQ(fault("listeners: []").substr(0, 46), "f.yaml:1:12: listeners: there is no listener. ");
}
TEST(ConfigCheck, KeysOfAListenerFitItsTransport) {
  const auto one = [](const std::string& rest) {
    return fault("listeners: [{name: w, " + rest + "}]");
  };
  EXPECT_EQ(one("transport: websocket, address: 127.0.0.1:8083, path: /mqtt"), "ok");
  EXPECT_EQ(one("transport: unix, address: /run/d.sock, mode: \"0600\""), "ok");
  EXPECT_EQ(one("transport: tcp, address: 127.0.0.1:1883, proxy_protocol: on"), "ok");
  EXPECT_EQ(one("address: 127.0.0.1:1883, path: /mqtt"),
            "f.yaml:1:54: listeners.0.path: has no meaning for transport: tcp. Hint: it belongs to "
            "a websocket; remove it");
  const std::pair<std::string, std::string> wrong[] = {
      {"address: 127.0.0.1:1883, mode: \"0600\"", "listeners.0.mode: has no meaning"},
      {"transport: websocket, address: 127.0.0.1:1883, tls: {key: x}",
       "listeners.0.tls: has no meaning"},
      {"transport: websocket, address: 127.0.0.1:1883, path: mqtt",
       "listeners.0.path: \"mqtt\" is not the path of a URL"},
      {"transport: unix, address: \"127.0.0.1:1\"",
       "listeners.0.address: \"127.0.0.1:1\" is not the path of a Unix socket"},
      {"transport: unix, address: /run/d.sock, mode: \"0980\"", "listeners.0.mode: \"0980\""},
      {"transport: tls, address: 127.0.0.1:1", "listeners.0.tls.certificate: a TLS listener needs"},
      {"transport: tls, address: 127.0.0.1:1, tls: {certificate: /none, key: /none}",
       "listeners.0.tls.key: /none cannot be read: No such file or directory"},
  };
  for (const auto& [rest, told] : wrong)
    EXPECT_NE(one(rest).find(told), std::string::npos) << rest << '\n' << one(rest);
}
TEST(ConfigCheck, ClusterIsToldThatItIsNotThere) {
  EXPECT_EQ(fault("cluster:\n  listen: 127.0.0.1:7946\n  seeds: [\"127.0.0.1:7947\"]\n"),
            "f.yaml:3:11: cluster.seeds.0: this version runs one node: it cannot join others. "
            "Hint: remove "
            "cluster.seeds; cluster.listen is accepted and not used");
}
TEST(ConfigCheck, Rocketmq) {
  EXPECT_EQ(fault("rocketmq: {endpoint: localhost}").substr(0, 66),
            "f.yaml:1:22: rocketmq.endpoint: \"localhost\" is not host:port. Hint");
  EXPECT_EQ(fault("rocketmq: {access_key: a}"),
            "f.yaml:1:11: rocketmq.secret_key: access_key and secret_key go together. Hint: set "
            "both or neither");
}
TEST(ConfigCheck, Rules) {
  const auto rules = [](const std::string& lines) { return fault("rules:\n" + lines); };
  EXPECT_EQ(rules("  - {id: a, type: outbound, topic: t, queue: q}\n  - {id: a, type: status, "
                  "group: g, queue: p}\n"),
            "f.yaml:3:10: rules.1.id: the id \"a\" is taken by rules.0 (f.yaml:2:10). Hint: give "
            "each rule its own id");
  EXPECT_EQ(rules("  - {id: a, type: outbound, topic: t}\n"),
            "f.yaml:2:5: rules.0.queue: an outbound rule needs a queue. Hint: add queue: NAME");
  EXPECT_EQ(rules("  - {id: a, type: inbound, queue: t}\n"),
            "f.yaml:2:5: rules.0.topic: an inbound rule needs a topic. Hint: add topic: NAME");
  EXPECT_EQ(rules("  - {id: a, type: status, queue: t}\n"),
            "f.yaml:2:5: rules.0.group: a status rule needs a group. Hint: add group: NAME");
  EXPECT_EQ(rules("  - {type: status, group: g, queue: t}\n"),
            "f.yaml:2:5: rules.0.id: a rule needs an id. Hint: add id: NAME");
  EXPECT_EQ(
      rules("  - {id: a}\n"),
      "f.yaml:2:5: rules.0.type: a rule needs a type. Hint: add type: outbound, inbound or status");
  EXPECT_EQ(rules("  - {id: a b, type: outbound, topic: t, queue: q}\n").substr(0, 46),
            "f.yaml:2:10: rules.0.id: \"a b\" is not an id. H");
  EXPECT_EQ(rules("  - {id: a, type: outbound, topic: t/x, queue: q}\n").substr(0, 58),
            "f.yaml:2:36: rules.0.topic: \"t/x\" is not a parent topic. H");
  EXPECT_EQ(rules("  - {id: a, type: outbound, topic: t, queue: q/x}\n").substr(0, 58),
            "f.yaml:2:46: rules.0.queue: \"q/x\" cannot be the name of a ");
  EXPECT_EQ(rules("  - {id: a, type: status, group: g, queue: q, topic: t}\n"),
            "f.yaml:2:54: rules.0.topic: has no meaning for a status rule. Hint: it belongs to an "
            "outbound or inbound "
            "rule; remove it");
  EXPECT_EQ(rules("  - {id: a, type: inbound, topic: t, queue: q, order: device}\n").substr(0, 64),
            "f.yaml:2:55: rules.0.order: has no meaning for an inbound rule. ");
  EXPECT_EQ(
      rules("  - {id: a, type: outbound, topic: t, queue: q, order: device, format: envelope}\n"),
      "f.yaml:2:56: rules.0.order: order: device cannot be kept with format: envelope. Hint: use "
      "format: "
      "message, or order: none");
  EXPECT_EQ(rules("  - {id: a, type: outbound, topic: t, queue: q, retry_min_ms: 1m}\n"),
            "f.yaml:2:63: rules.0.retry_min_ms: retry_min_ms (60000 ms) is above retry_max_ms "
            "(10000 ms).");
  EXPECT_EQ(rules("  - {id: a, type: outbound, topic: t, queue: q}\n  - {id: b, type: inbound, "
                  "topic: t, queue: q}\n"),
            "f.yaml:3:45: rules.1.queue: makes a loop with the outbound rule \"a\": both join "
            "topic \"t\" and queue "
            "\"q\". Hint: give each direction its own queue");
}
TEST(ConfigCheck, Limits) {
  EXPECT_EQ(fault("limits: {output_high_bytes: 64KiB}").substr(0, 59),
            "f.yaml:1:29: limits.output_high_bytes: output_low_bytes (26");
  EXPECT_EQ(fault("limits: {payload_bytes_max: 2MiB}").substr(0, 60),
            "f.yaml:1:29: limits.payload_bytes_max: payload_bytes_max (20");
}
TEST(ConfigCheck, DataDirectory) {
  const auto dir =
      std::filesystem::path(testing::TempDir()) / ("config_test_" + std::to_string(getpid()));
  std::filesystem::create_directories(dir);
  std::ofstream(dir / "file") << "x";
  const auto with = [&](const std::string& sub) {
    return fault("node:\n  data_dir: " + (dir / sub).string() + "\n");
  };
  EXPECT_EQ(with("new/deep"), "ok");
  EXPECT_FALSE(std::filesystem::exists(dir / "new"));
  const std::string file = (dir / "file").string();
  EXPECT_EQ(with("file"), "f.yaml:2:13: node.data_dir: " + file +
                              " is not a directory. Hint: give another directory");
  EXPECT_EQ(with("file/below"), "f.yaml:2:13: node.data_dir: cannot be created: " + file +
                                    " is not a directory. Hint: give another directory");
  if (getuid() != 0) {  // root may do everything
    std::filesystem::permissions(dir, std::filesystem::perms::none);
    EXPECT_NE(with("new").find("cannot be read and written"), std::string::npos);
    std::filesystem::permissions(dir, std::filesystem::perms::owner_all);
  }
  std::filesystem::remove_all(dir);
}
TEST(ConfigCheck, AccessThatRefusesEveryoneIsWarnedOf) {
  const auto c = good("access: {anonymous: false}");
  ASSERT_EQ(c.warnings.size(), 1u);
  EXPECT_TRUE(c.warnings[0].starts_with(
      "f.yaml:1:21: access.anonymous: false refuses every client without"));
}

TEST(ConfigFile, MissingOrADirectoryIsOneLine) {
  EXPECT_EQ(load_config({.file = "/nowhere/x.yaml"}).status().message(),
            "/nowhere/x.yaml: cannot be read: No such file or directory. Hint: give its name with "
            "--config FILE");
  EXPECT_EQ(load_config({.file = "/"}).status().message(), "/: is a directory. Hint: name a file");
}

TEST(ConfigOverride, LaterSourcesWinAndEachValueKnowsItsOrigin) {
  const std::string text =
      "node: {name: file}\nhttp:\n  address: 127.0.0.1:1\nlog: {level: warn}\n";
  const auto c = good(
      text, {.settings = {"node.name=set", "listeners.0.address=127.0.0.1:7"},
             .environment = {{"DUNLIN_NODE_NAME", "env"}, {"DUNLIN_HTTP_ADDRESS", "127.0.0.1:2"}}});
  EXPECT_EQ(c.values.node().name(), "set");
  EXPECT_EQ(c.values.http().address(), "127.0.0.1:2");
  EXPECT_EQ(c.values.listeners(0).address(), "127.0.0.1:7");
  const std::map<std::string, std::string> origins{
      {"node.name", "--set"},
      {"http.address", "environment DUNLIN_HTTP_ADDRESS"},
      {"log.level", "f.yaml:4:14"},
      {"listeners.0.address", "--set"}};
  EXPECT_EQ(c.origins, origins);
}
TEST(ConfigOverride, NamesWithUnderscoresAreResolvedByTheSchema) {
  const auto c =
      good("", {.environment = {{"DUNLIN_LISTENERS_0_ADDRESS", "127.0.0.1:9"},
                                {"DUNLIN_EMBEDDED_QUEUE_MESSAGES_MAX", "5"},
                                {"DUNLIN_LIMITS_QUEUE_QOS0", "true"},
                                {"DUNLIN_RULES_1_ID", "b"},
                                {"DUNLIN_RULES_1_TYPE", "status"},
                                {"DUNLIN_RULES_1_GROUP", "g"},
                                {"DUNLIN_RULES_1_QUEUE", "q"},
                                {"DUNLIN_RULES_0", "{id: a, type: status, group: g, queue: q}"},
                                {"PATH", "/bin"}}});
  EXPECT_EQ(c.values.listeners(0).address(), "127.0.0.1:9");
  EXPECT_EQ(c.values.embedded_queue().messages_max(), 5u);
  EXPECT_TRUE(c.values.limits().queue_qos0());
  ASSERT_EQ(c.values.rules_size(), 2);
  EXPECT_EQ(c.values.rules(0).id() + c.values.rules(1).id(), "ab");
}
TEST(ConfigOverride, VariablesThatNameNoKeyAreWarnedOfUnlessKubernetesSetsThem) {
  const auto c = good("", {.environment = {{"DUNLIN_NOD_NAME", "x"},
                                           {"DUNLIN_PORT", "tcp://10.0.0.1:1883"},
                                           {"DUNLIN_SERVICE_HOST", "10.0.0.1"},
                                           {"DUNLIN_PORT_1883_TCP_ADDR", "10.0.0.1"}}});
  ASSERT_EQ(c.warnings.size(), 1u);
  EXPECT_EQ(c.warnings[0], "environment DUNLIN_NOD_NAME: names no key and is ignored");
}
TEST(ConfigOverride, ListsAndSectionsAreGivenAsYaml) {
  const auto c = good("rules:\n  - {id: x, type: status, group: g, queue: q}\n",
                      {.settings = {"rules=[]", "log={level: error}",
                                    "listeners.1={name: b, address: \"127.0.0.1:5\"}"}});
  EXPECT_EQ(c.values.rules_size(), 0);
  EXPECT_EQ(c.values.log().level(), proto::Log::ERROR);
  EXPECT_EQ(c.values.listeners(1).name(), "b");
}
TEST(ConfigOverride, FaultsNameTheirSource) {
  const auto set = [](const std::string& s) { return fault("", {.settings = {s}}); };
  EXPECT_EQ(set("http.adress=x"),
            "--set: http.adress: there is no such key. Hint: did you mean \"address\"?");
  EXPECT_EQ(set("node.reactors=x").substr(0, 33), "--set: node.reactors: \"x\" is not ");
  EXPECT_EQ(set("listeners.3.name=x"),
            "--set: listeners.3: there is no such entry. Hint: the list has 1; number 1 adds one");
  EXPECT_EQ(set("listeners.tcp.name=x"),
            "--set: listeners.tcp: \"tcp\" is not a number. Hint: entries are numbered from 0");
  EXPECT_EQ(set("node.name.x=1"),
            "--set: node.name.x: there is no such key. Hint: \"node.name\" is a single value");
  EXPECT_EQ(set("nonsense"),
            "--set nonsense: must have the form KEY=VALUE. Hint: for example --set "
            "http.address=127.0.0.1:8081");
  EXPECT_EQ(fault("", {.environment = {{"DUNLIN_LOG_LEVEL", "loud"}}}),
            "environment DUNLIN_LOG_LEVEL: log.level: \"loud\" is not one of its values. Hint: it "
            "is one of: debug, info, "
            "warn, error, off");
}

TEST(ConfigLimits, DefaultsAreThoseOfOptions) {
  const options a = to_options({}), b;
  // The binding fails to compile when options gains a field: then proto/config.proto and to_options
  // need it too.
  const auto tied = [](const options& o) {
    const auto& [a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10,
                 c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, d1, d2, d3, d4, d5, d6, d7, d8, d9, d10,
                 e1, e2, e3, e4, e5, e6] = o;
    return std::vector<uint64_t>{a1, a2, a3, a4,  a5, a6, a7, a8,  a9, a10, b1, b2, b3, b4,  b5, b6,
                                 b7, b8, b9, b10, c1, c2, c3, c4,  c5, c6,  c7, c8, c9, c10, d1, d2,
                                 d3, d4, d5, d6,  d7, d8, d9, d10, e1, e2,  e3, e4, e5, e6};
  };
  EXPECT_EQ(tied(a), tied(b));
}
TEST(ConfigLimits, EveryKeyReachesItsOption) {
  const options standard;
  const auto* schema = proto::Limits::descriptor();
  for (int i = 0; i < schema->field_count(); ++i) {
    const auto& f = *schema->field(i);
    if (f.name() == "preset") continue;
    config c;
    auto& l = *c.mutable_limits();
    switch (f.cpp_type()) {
      case google::protobuf::FieldDescriptor::CPPTYPE_BOOL:
        l.GetReflection()->SetBool(&l, &f, !f.default_value_bool());
        break;
      case google::protobuf::FieldDescriptor::CPPTYPE_ENUM:
        l.GetReflection()->SetEnumValue(&l, &f, 1 - f.default_value_enum()->number());
        break;
      case google::protobuf::FieldDescriptor::CPPTYPE_UINT32:
        l.GetReflection()->SetUInt32(&l, &f, 1);
        break;
      default:
        l.GetReflection()->SetUInt64(&l, &f, 1);
        break;
    }
    const options changed = to_options(c);
    EXPECT_NE(std::memcmp(&changed, &standard, sizeof standard), 0) << f.name();
  }
}
TEST(ConfigLimits, ThePresetSetsTheProductsNumbersAndGivenKeysWin) {
  const auto c = good("limits: {preset: product, keep_alive_max_s: 5m}");
  const options o = to_options(c.values);
  EXPECT_EQ(o.topic_bytes_max, 64u);
  EXPECT_EQ(o.client_id_bytes_max, 64u);
  EXPECT_EQ(o.payload_bytes_max, 65'536u);
  EXPECT_EQ(o.packet_bytes_max, 131'072u);
  EXPECT_EQ(o.subscriptions_per_client_max, 30u);
  EXPECT_EQ(o.session_expiry_max_s, 259'200u);
  EXPECT_EQ(o.keep_alive_max_s, 300u);
  EXPECT_EQ(c.origins.at("limits.topic_bytes_max"), "limits.preset: product");
  EXPECT_EQ(c.origins.at("limits.keep_alive_max_s"), "f.yaml:1:45");
}

TEST(ShowConfig, TellsEachValueAndItsOriginAndHidesSecrets) {
  const auto c = good("node: {name: n2}\nrocketmq: {access_key: k, secret_key: topsecret}\n");
  const std::string text = show_config(c), json = show_config_json(c);
  EXPECT_NE(text.find("node.name: \"n2\"                                     # f.yaml:1:14\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("http.address: \"127.0.0.1:8080\"                      # default\n"),
            std::string::npos)
      << text;
  EXPECT_NE(json.find("\"node.name\": {\"value\": \"n2\", \"origin\": \"f.yaml:1:14\"}"),
            std::string::npos)
      << json;
  EXPECT_NE(json.find("\"limits.retain_available\": {\"value\": true, \"origin\": \"default\"}"),
            std::string::npos);
  EXPECT_EQ((text + json).find("topsecret"), std::string::npos);
  EXPECT_NE(text.find("rocketmq.secret_key: \"(hidden)\""), std::string::npos);
}

}  // namespace
}  // namespace dunlin
