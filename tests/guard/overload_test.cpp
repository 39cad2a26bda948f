#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "broker/guard/busiest.hpp"
#include "broker/guard/flapping.hpp"
#include "broker/guard/memory.hpp"
#include "broker/guard/overload.hpp"

namespace dunlin::guard {
namespace {

constexpr uint64_t mib = 1 << 20;

// Looks every 250 ms; each row is one look: what was read, and the state that follows.
struct look_row {
  uint64_t memory_mib, lag_ms;
  pressure state;
};
void run(const char* what, const overload_limits& l, const std::vector<look_row>& rows) {
  overload o;
  uint64_t now = 10'000;
  size_t i = 0;
  for (const auto& r : rows) {
    const auto s = o.look({r.memory_mib * mib, 1000 * mib, r.lag_ms}, l, now);
    EXPECT_EQ(to_string(s.level), std::string(to_string(r.state))) << what << ", look " << i;
    now += overload::look_ms;
    ++i;
  }
}
constexpr auto normal = pressure::normal, refusing = pressure::refusing,
               holding = pressure::holding, critical = pressure::critical;

TEST(Overload, MemoryLeadsToEachStateAndBackWithHysteresis) {
  run("rises and falls", {.enabled = true},
      {{840, 0, normal},
       {850, 0, refusing},
       {850, 0, refusing},
       {830, 0, refusing},  // below high, above 95 % of it
       {830, 0, refusing},
       {830, 0, holding},  // a second after it began
       {950, 0, critical},
       {910, 0, critical},
       {900, 0, holding},  // below 95 % of critical
       {808, 0, holding},
       {807, 0, normal},
       {840, 0, normal},
       {960, 0, critical}});
}

TEST(Overload, BytesWinOverPercent) {
  run("bytes",
      {.enabled = true, .memory_high_bytes = 100 * mib, .memory_critical_bytes = 200 * mib},
      {{99, 0, normal}, {100, 0, refusing}, {200, 0, critical}, {94, 0, normal}});
  run("critical follows high", {.enabled = true, .memory_high_bytes = 100 * mib},
      {{99, 0, normal}, {110, 0, refusing}, {112, 0, critical}});
}

TEST(Overload, OneLateReadingIsNoOverload) {
  run("once", {.enabled = true, .reactor_lag_ms = 1000},
      {{1, 5000, normal}, {1, 0, normal}, {1, 5000, normal}, {1, 999, normal}, {1, 1000, normal}});
}

TEST(Overload, LagMustStayLowToEnd) {
  std::vector<look_row> rows = {
      {1, 1000, normal}, {1, 1000, refusing}, {1, 600, refusing}, {1, 600, refusing}};
  rows.insert(rows.end(), 2, {1, 600, refusing});
  rows[5].state = holding;
  rows.insert(rows.end(), 7, {1, 100, holding});
  rows.push_back({1, 100, normal});
  rows.push_back({1, 100, normal});
  run("lag", {.enabled = true, .reactor_lag_ms = 1000}, rows);
}

TEST(Overload, OffAndZeroAreOff) {
  run("off", {}, {{2000, 99'999, normal}, {2000, 99'999, normal}});
  run("zero", {.enabled = true, .memory_high_percent = 0, .memory_critical_percent = 0},
      {{2000, 99'999, normal}, {2000, 99'999, normal}});
  overload o;
  const overload_limits on{.enabled = true};
  EXPECT_EQ(o.look({1000, 1000, 0}, on, 0).level, critical);
  EXPECT_EQ(o.look({1000, 1000, 0}, {}, 250).level, normal) << "switched off by a reload";
  EXPECT_EQ(o.look({1ull << 40, 0, 0}, on, 500).level, normal) << "the limit is not known";
}

TEST(Busiest, TakesTheFewestThatSentMostOfIt) {
  busiest<int> b;
  b.add(1, 10);
  b.add(2, 70);
  b.add(3, 30);
  b.add(1, 5);
  EXPECT_EQ(b.take(50), std::vector<int>({2}));
  EXPECT_TRUE(b.empty()) << "counting starts again";
  b.add(1, 15);
  b.add(2, 70);
  b.add(3, 30);
  b.forget(2);
  EXPECT_EQ(b.take(100), std::vector<int>({3, 1}));
  EXPECT_TRUE(b.take(100).empty());
  b.add(1, 15);
  b.add(2, 20);
  EXPECT_EQ(b.take(100, 16), std::vector<int>({2}));
  b.add(1, 15);
  EXPECT_TRUE(b.take(50, 16).empty()) << "none sent much";
}

TEST(Busiest, IsBounded) {
  busiest<int> b;
  for (int i = 0; i < 100'000; ++i) b.add(i, 1);
  EXPECT_EQ(b.take(100).size(), busiest<int>::entries_max);
}

TEST(Flapping, CountsConnectsInAWindow) {
  flapping_table t;
  const flapping_limits l{3, 10, 60, 1000};
  EXPECT_FALSE(t.connected(1, l, 0));
  EXPECT_FALSE(t.connected(1, l, 4000));
  EXPECT_FALSE(t.connected(1, l, 9999));
  EXPECT_FALSE(t.connected(1, l, 10'000)) << "a new window";
  EXPECT_FALSE(t.connected(1, l, 10'001));
  EXPECT_FALSE(t.connected(2, l, 10'002));
  EXPECT_FALSE(t.connected(1, l, 10'003));
  EXPECT_TRUE(t.connected(1, l, 10'004));
  EXPECT_FALSE(t.connected(1, l, 10'005)) << "counting starts again";
}

TEST(Flapping, AFloodOfOthersIsBoundedAndForgetsTheOldest) {
  flapping_table t;
  const flapping_limits l{3, 10, 60, 800};
  for (uint64_t i = 0; i < 1'000'000; ++i)
    EXPECT_FALSE(t.connected(i * 0x9E3779B97F4A7C15, l, i / 100));
  EXPECT_LE(t.bytes(), 800u * 24);
  // It still finds one that comes quickly.
  int found = 0;
  for (int i = 0; i < 4; ++i) found += t.connected(42, l, 10'000);
  EXPECT_EQ(found, 1);
}

TEST(Memory, LimitsAreReadFromTheirFiles) {
  EXPECT_EQ(parse_limit("max\n"), 0u);
  EXPECT_EQ(parse_limit("1073741824\n"), 1u << 30);
  EXPECT_EQ(parse_limit("9223372036854771712\n"), 0u);
  EXPECT_EQ(parse_limit(""), 0u);
  EXPECT_EQ(parse_mem_total("MemFree: 1 kB\nMemTotal:       16384 kB\n"), 16384u * 1024);
  EXPECT_EQ(parse_mem_total("nothing"), 0u);
}

TEST(Memory, TheLowestLimitOfTheControlGroupsCounts) {
  const auto root = std::filesystem::path(::testing::TempDir()) / "memory_groups";
  std::filesystem::create_directories(root / "a/b");
  EXPECT_EQ(memory_limit_of({root / "a/b", root / "a", root}), 0u);
  std::ofstream(root / "memory.max") << "800\n";
  std::ofstream(root / "a/memory.max") << "200\n";
  std::ofstream(root / "a/b/memory.max") << "max\n";
  EXPECT_EQ(memory_limit_of({root / "a/b", root / "a", root}), 200u);
  EXPECT_EQ(memory_limit_of({root}), 800u);
  std::ofstream(root / "a/b/memory.limit_in_bytes") << "100\n";
  EXPECT_EQ(memory_limit_of({root / "a/b", root / "a", root}), 100u);
}

TEST(Memory, ThisProcessHasSomeAndALimit) {
  EXPECT_GT(resident_bytes(), mib);
  EXPECT_GT(memory_limit_bytes(), resident_bytes());
}

}  // namespace
}  // namespace dunlin::guard
