#include "broker/metrics/metrics.hpp"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <regex>
#include <set>
#include <sstream>

#include "broker/metrics/text.hpp"

namespace dunlin::metrics {
namespace {

std::map<std::string, std::string> samples(const std::string& text) {
  std::map<std::string, std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with('#')) continue;
    const size_t space = line.rfind(' ');
    EXPECT_TRUE(out.emplace(line.substr(0, space), line.substr(space + 1)).second)
        << "twice: " << line;
  }
  return out;
}

TEST(MetricsText, EscapesLabelsAndHelp) {
  text_writer w;
  w.family("a_total", metric_type::counter, "one\\two\nlines");
  w.sample({{"k", "a\"b\\c\nd"}, {"l", "x"}}, int64_t{-3});
  w.sample({}, 0.1);
  EXPECT_EQ(w.take(),
            "# HELP a_total one\\\\two\\nlines\n# TYPE a_total "
            "counter\na_total{k=\"a\\\"b\\\\c\\nd\",l=\"x\"} -3\n"
            "a_total 0.1\n");
}

TEST(Metrics, BlocksAreSummedAndGaugesMayCrossThem) {
  const auto of_two = std::make_unique<counters[]>(2);
  counters &a = of_two[0], &b = of_two[1];
  a.published.add(5);
  b.published.add(7);
  a.connections.add(3);
  b.connections.sub(1);  // a session that moved
  b.dropped[drop_reason::too_large].add(2);
  b.packets_sent[mqtt::packet_type::puback].add(4);
  a.sent[2].add(9);
  a.busy_ns.set(1'500'000'000);
  const auto s = samples(render({&a, &b}, {}, {}));
  EXPECT_EQ(s.at("dunlin_messages_published_total"), "12");
  EXPECT_EQ(s.at("dunlin_connections"), "2");
  EXPECT_EQ(total({&a, &b}, &counters::connections), 2);
  EXPECT_EQ(s.at("dunlin_messages_dropped_total{reason=\"too_large\"}"), "2");
  EXPECT_EQ(s.at("dunlin_messages_dropped_total{reason=\"no_subscriber\"}"), "0");
  EXPECT_EQ(s.at("dunlin_packets_sent_total{type=\"puback\"}"), "4");
  EXPECT_EQ(s.at("dunlin_messages_sent_total{qos=\"2\"}"), "9");
  EXPECT_EQ(s.at("dunlin_reactor_busy_seconds_total{reactor=\"0\"}"), "1.5");
  EXPECT_EQ(s.at("dunlin_reactor_busy_seconds_total{reactor=\"1\"}"), "0");
}
TEST(Metrics, ReasonsAreShownOnceTheyHappen) {
  const auto of_node =
      std::make_unique<counters>();  // on the heap: more aligned than a sanitizer's stack
  counters& c = *of_node;
  EXPECT_FALSE(
      samples(render({&c}, {}, {})).contains("dunlin_connects_refused_total{reason=\"banned\"}"));
  c.connects_refused[mqtt::reason::banned].add();
  c.disconnects[mqtt::reason::keep_alive_timeout].add(2);
  c.connections_lost.add(3);
  const auto s = samples(render({&c}, {}, {}));
  EXPECT_EQ(s.at("dunlin_connects_refused_total{reason=\"banned\"}"), "1");
  EXPECT_EQ(s.at("dunlin_disconnects_total{reason=\"keep_alive_timeout\"}"), "2");
  EXPECT_EQ(s.at("dunlin_disconnects_total{reason=\"connection_lost\"}"), "3");
}
TEST(Metrics, EveryCounterIsShown) {
  auto c = std::make_unique<counters>();
  auto* slots = reinterpret_cast<relaxed_counter*>(c.get());
  const std::string before = render({c.get()}, {}, {});
  // Not shown: packet type 0, QoS 3, the 29 codes of each of the two reason tables that MQTT does
  // not define, and padding.
  size_t hidden = 0, n = sizeof(counters) / sizeof(relaxed_counter);
  for (size_t i = 0; i < n; ++i) {
    slots[i].set(1);
    hidden += render({c.get()}, {}, {}) == before;
    slots[i].set(0);
  }
  const size_t used = offsetof(counters, reactors_in_use) / sizeof(relaxed_counter) + 1;
  EXPECT_EQ(hidden, 2u + 2u + 2u * 29u + (n - used));
}
TEST(Metrics, RulesHaveTheirOwn) {
  rules::rule_status r;
  r.id = "report";
  r.state = "retrying";
  r.taken = 9;
  r.lag = 4;
  r.oldest_ms = 1500;
  const auto s = samples(render({}, {r}, {}));
  EXPECT_EQ(s.at("dunlin_rule_taken_total{rule=\"report\"}"), "9");
  EXPECT_EQ(s.at("dunlin_rule_lag{rule=\"report\"}"), "4");
  EXPECT_EQ(s.at("dunlin_rule_oldest_seconds{rule=\"report\"}"), "1.5");
  EXPECT_EQ(s.at("dunlin_rule_state{rule=\"report\",state=\"retrying\"}"), "1");
  EXPECT_EQ(s.at("dunlin_rule_state{rule=\"report\",state=\"running\"}"), "0");
}
TEST(Metrics, NamesFollowTheConventions) {
  const auto of_node =
      std::make_unique<counters>();  // on the heap: more aligned than a sanitizer's stack
  counters& c = *of_node;
  rules::rule_status r;
  r.id = "a";
  const std::string text = render({&c}, {r}, {});
  std::set<std::string> names;
  std::istringstream in(text);
  const std::regex help("# HELP ((dunlin|process)_[a-z_]+) \\S.*\\.");
  for (std::string line, next; std::getline(in, line);) {
    if (!line.starts_with("# HELP")) continue;
    std::smatch m;
    ASSERT_TRUE(std::regex_match(line, m, help)) << line;
    EXPECT_TRUE(names.insert(m[1]).second) << line;
    std::getline(in, next);
    const bool counted = next == "# TYPE " + m[1].str() + " counter";
    EXPECT_TRUE(counted || next == "# TYPE " + m[1].str() + " gauge") << next;
    EXPECT_EQ(counted, m[1].str().ends_with("_total")) << line;
    EXPECT_FALSE(std::regex_search(m[1].str(), std::regex("_(ms|ns|us|kb|mb)(_|$)"))) << line;
  }
  EXPECT_GE(names.size(), 35u);
}

TEST(MetricsProcess, StatIsReadPastANameWithBrackets) {
  const auto p = parse_stat(
      "42 (a ) b) S 1 1 1 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 7 0 1000 8192000 300 "
      "18446744073709551615 1 1",
      100, 4096, 5000);
  EXPECT_EQ(p.cpu_s, 3);
  EXPECT_EQ(p.threads, 7);
  EXPECT_EQ(p.start_s, 5010);
  EXPECT_EQ(p.virtual_bytes, 8192000);
  EXPECT_EQ(p.resident_bytes, 300 * 4096);
  EXPECT_EQ(parse_stat("", 100, 4096, 0).threads, 0);
}
TEST(MetricsProcess, ThisProcessHasMemoryAndFiles) {
  const auto p = read_process();
  EXPECT_GT(p.resident_bytes, 100'000);
  EXPECT_GE(p.open_fds, 3);
  EXPECT_GE(p.max_fds, p.open_fds);
  EXPECT_GE(p.threads, 1);
  EXPECT_GT(p.start_s, 1.6e9);
}

}  // namespace
}  // namespace dunlin::metrics
