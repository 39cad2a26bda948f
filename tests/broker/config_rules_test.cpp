#include "broker/config_rules.hpp"

#include <gtest/gtest.h>

namespace dunlin {
namespace {

TEST(ConfigRules, EveryKeyReachesItsField) {
  const auto loaded = parse_config(R"(
node: {data_dir: ./somewhere}
store: {sync: never, interval_ms: 3s}
rules:
  - id: a
    type: outbound
    topic: t
    queue: q
    order: device
    acknowledge: delivered
    spool_bytes_max: 2MiB
    in_flight_max: 3
    envelope_messages_max: 4
    linger_ms: 6
    retry_min_ms: 7
    retry_max_ms: 8s
  - {id: b, type: inbound, topic: u, queue: r, unroutable: dead_letter}
  - {id: c, type: inbound, topic: u, queue: s, group: mine}
  - {id: d, type: status, group: GID_x, queue: p}
  - {id: e, type: outbound, topic: t, queue: q, format: envelope}
)",
                                   {});
  ASSERT_TRUE(loaded.ok()) << std::string(loaded.status().message());
  const auto c = to_rules(loaded->values);
  EXPECT_EQ(c.data_dir, "./somewhere");
  EXPECT_EQ(static_cast<int>(c.sync), 2);  // never
  EXPECT_EQ(c.sync_interval.count(), 3000);
  ASSERT_EQ(c.rules.size(), 5u);
  const auto& a = c.rules[0];
  EXPECT_EQ(a.id + a.topic + a.queue + a.group, "atq");
  EXPECT_EQ(a.type, rules::rule_type::outbound);
  EXPECT_EQ(a.format, rules::rule_format::message);
  EXPECT_EQ(a.order, rules::rule_order::device);
  EXPECT_EQ(a.ack, rules::acknowledge::delivered);
  EXPECT_EQ(a.spool_bytes_max, 2u << 20);
  EXPECT_EQ(a.in_flight_max, 3u);
  EXPECT_EQ(a.envelope_messages_max, 4u);
  EXPECT_EQ(a.linger.count(), 6);
  EXPECT_EQ(a.retry_min.count(), 7);
  EXPECT_EQ(a.retry_max.count(), 8000);
  EXPECT_EQ(c.rules[1].type, rules::rule_type::inbound);
  EXPECT_EQ(c.rules[1].policy, rules::unroutable::dead_letter);
  EXPECT_EQ(c.rules[1].group, "DUNLIN_b");
  EXPECT_EQ(c.rules[2].group, "mine");
  EXPECT_EQ(c.rules[3].type, rules::rule_type::status);
  EXPECT_EQ(c.rules[3].group, "GID_x");
  EXPECT_EQ(c.rules[4].format, rules::rule_format::envelope);
}
TEST(ConfigRules, DefaultsAreThoseOfRule) {
  config c;
  c.add_rules();
  const rules::rule a = to_rules(c).rules[0], b;
  EXPECT_EQ(a.spool_bytes_max, b.spool_bytes_max);
  EXPECT_EQ(a.in_flight_max, b.in_flight_max);
  EXPECT_EQ(a.envelope_messages_max, b.envelope_messages_max);
  EXPECT_EQ(a.linger, b.linger);
  EXPECT_EQ(a.retry_min, b.retry_min);
  EXPECT_EQ(a.retry_max, b.retry_max);
  EXPECT_EQ(a.format, b.format);
  EXPECT_EQ(a.order, b.order);
  EXPECT_EQ(a.ack, b.ack);
  EXPECT_EQ(a.policy, b.policy);
}

}  // namespace
}  // namespace dunlin
