#include "broker/config_guard.hpp"

#include <gtest/gtest.h>

#include "broker/config/utc.hpp"

namespace dunlin {
namespace {

guard::policy policy(const std::string& text) {
  const auto loaded = parse_config(text, {});
  EXPECT_TRUE(loaded.ok()) << std::string(loaded.status().message());
  return loaded.ok() ? to_policy(loaded->values) : guard::policy{};
}
std::string fault(const std::string& text) {
  const auto loaded = parse_config(text, {.file = "f.yaml"});
  return loaded.ok() ? "ok" : std::string(loaded.status().message());
}

TEST(ConfigGuard, ByDefaultOnlyOverloadIsLookedAt) {
  const auto p = policy("");
  EXPECT_TRUE(p.bans.empty());
  EXPECT_EQ(p.flapping.connects_max, 0u);
  EXPECT_FALSE(p.any_rate());
  EXPECT_TRUE(p.overload.enabled);
  EXPECT_EQ(p.overload.memory_high_percent, 85u);
  EXPECT_EQ(p.overload.memory_critical_percent, 95u);
  EXPECT_EQ(p.overload.reactor_lag_ms, 3000u);
}

TEST(ConfigGuard, BansAreReadInNormalForm) {
  const auto p = policy(R"(
guard:
  bans:
    - {client_id: c1, reason: old, until: "2027-01-31T12:00:00Z"}
    - {user_name: u1}
    - {address: "10.1.2.3/8"}
  flapping_connects_max: 7
  flapping_window_s: 2m
  flapping_ban_s: 1h
)");
  ASSERT_EQ(p.bans.size(), 3u);
  EXPECT_EQ(p.bans[0].value, "c1");
  EXPECT_EQ(p.bans[0].until_ms, 1801396800000);
  EXPECT_EQ(p.bans[0].source, guard::ban_source::config);
  EXPECT_EQ(p.bans[1].kind, guard::ban_kind::user_name);
  EXPECT_EQ(p.bans[2].value, "10.0.0.0/8");
  EXPECT_EQ(p.flapping.connects_max, 7u);
  EXPECT_EQ(p.flapping.window_s, 120u);
  EXPECT_EQ(p.flapping.ban_s, 3600u);
}

TEST(ConfigGuard, AListenerHasItsOwnLimitsElseThoseForAll) {
  const auto p = policy(R"(
listeners:
  - {name: a, address: "127.0.0.1:1883"}
  - {name: b, address: "127.0.0.1:1884", connections_max: 5, connects_per_s: 0, messages_per_s: 6,
     bytes_per_s: 1KiB, client_messages_per_s: 8, client_bytes_per_s: 0, burst_ms: 2s}
limits: {listener_connections_max: 1, listener_connects_per_s: 2, listener_messages_per_s: 3,
         listener_bytes_per_s: 4, client_messages_per_s: 5, client_bytes_per_s: 6,
         rate_burst_ms: 700, rate_patience_ms: 9s, rate_answer: slow}
)");
  ASSERT_EQ(p.listeners.size(), 2u);
  const auto& a = p.listeners[0].second;
  EXPECT_EQ(p.listeners[0].first, "a");
  EXPECT_EQ(a.connections_max, 1u);
  EXPECT_EQ(a.connects_per_s, 2u);
  EXPECT_EQ(a.messages_per_s, 3u);
  EXPECT_EQ(a.bytes_per_s, 4u);
  EXPECT_EQ(a.client_messages_per_s, 5u);
  EXPECT_EQ(a.client_bytes_per_s, 6u);
  EXPECT_EQ(a.burst_ms, 700u);
  const auto& b = p.listeners[1].second;
  EXPECT_EQ(b.connections_max, 5u);
  EXPECT_EQ(b.connects_per_s, 0u);
  EXPECT_EQ(b.messages_per_s, 6u);
  EXPECT_EQ(b.bytes_per_s, 1024u);
  EXPECT_EQ(b.client_messages_per_s, 8u);
  EXPECT_EQ(b.client_bytes_per_s, 0u);
  EXPECT_EQ(b.burst_ms, 2000u);
  EXPECT_EQ(p.rate_patience_ms, 9000u);
  EXPECT_FALSE(p.rate_disconnects);
}

struct wrong {
  const char* text;
  const char* told;
};
const wrong faults[] = {
    {"guard: {bans: [{reason: x}]}", "guard.bans.0: says nobody"},
    {"guard: {bans: [{client_id: a, user_name: b}]}", "says more than one"},
    {"guard: {bans: [{address: 10.0.0.0/40}]}", "guard.bans.0.address: \"10.0.0.0/40\" is not"},
    {"guard: {bans: [{client_id: a, until: tomorrow}]}", "guard.bans.0.until: \"tomorrow\" is not"},
    {"guard: {bans_max: 1, bans: [{client_id: a}, {client_id: b}]}", "guard.bans_max"},
    {"overload: {memory_high_percent: 96}", "memory_high_percent (96) is above"},
    {"overload: {memory_high_bytes: 2MiB, memory_critical_bytes: 1MiB}", "is above"},
    {"overload: {memory_critical_bytes: 1MiB}", "given without memory_high_bytes"},
    {"limits: {rate_burst_ms: 10}", "limits.rate_burst_ms"},
    {"listeners: [{name: a, address: \"127.0.0.1:1883\", burst_ms: 10}]", "burst_ms"},
};

TEST(ConfigGuard, WhatIsWrongIsToldWithItsKey) {
  for (const auto& w : faults) {
    const std::string got = fault(w.text);
    EXPECT_NE(got.find(w.told), std::string::npos) << w.text << "\n" << got;
    EXPECT_NE(got.find("f.yaml:1:"), std::string::npos) << got;
  }
}

TEST(Utc, ReadsDaysAndTimes) {
  using configuration::parse_utc;
  EXPECT_EQ(parse_utc("1970-01-01"), 0);
  EXPECT_EQ(parse_utc("1970-01-02T00:00:01Z"), 86'401'000);
  EXPECT_EQ(parse_utc("2024-02-29"), 1'709'164'800'000);
  for (const char* bad : {"", "2023-02-29", "2023-13-01", "2023-01-01T24:00:00Z", "2023-1-1",
                          "2023-01-01T00:00:00", "2023-01-01T00:00:00+01", "yesterday"})
    EXPECT_FALSE(parse_utc(bad)) << bad;
}

}  // namespace
}  // namespace dunlin
