#include "broker/core/retained.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "tests/core/packets.hpp"
#include "tests/fakes/random.hpp"

namespace dunlin::core {
namespace {

constexpr retained::limits plenty{1'000'000, 1ull << 30};

// Everything, page by page.
std::vector<std::string> collect(retained& r, std::string_view filter, size_t page = 1000,
                                 uint64_t now_ms = 0) {
  std::vector<std::string> topics;
  retained::progress at{false, ""};
  for (int pages = 0; !at.done; ++pages) {
    size_t given = 0;
    retained::budget b{page, ~size_t{0}, page * 16};
    at = r.collect(filter, at.next, b, now_ms, [&](const mqtt::message_ptr& m) {
      topics.emplace_back(m->topic());
      ++given;
    });
    EXPECT_LE(given, page);
    if (pages > 100'000) {
      ADD_FAILURE() << "no end";
      break;
    }
  }
  return topics;
}
using texts = std::vector<std::string>;

TEST(Retained, KeepsTheLastMessageOfATopic) {
  retained r(plenty);
  EXPECT_TRUE(r.set(make_message("a", "one")));
  EXPECT_TRUE(r.set(make_message("a", "two")));
  EXPECT_TRUE(r.set(make_message("b", "three")));
  EXPECT_EQ(r.messages(), 2u);
  std::string payload;
  retained::budget b{10};
  r.collect("a", "", b, 0, [&](const auto& m) { payload = m->payload(); });
  EXPECT_EQ(payload, "two");
}

TEST(Retained, AnEmptyPayloadRemoves) {
  retained r(plenty);
  r.set(make_message("a", "one"));
  EXPECT_TRUE(r.set(make_message("a", "")));
  EXPECT_TRUE(r.set(make_message("never", "")));
  EXPECT_EQ(r.messages(), 0u);
  EXPECT_EQ(r.bytes(), 0u);
  EXPECT_EQ(collect(r, "#"), texts{});
}

TEST(Retained, RefusesOverItsNumberButReplaces) {
  retained r({2, 1 << 20});
  EXPECT_TRUE(r.set(make_message("a", "1")));
  EXPECT_TRUE(r.set(make_message("b", "1")));
  EXPECT_FALSE(r.set(make_message("c", "1")));
  EXPECT_TRUE(r.set(make_message("b", "2")));
  EXPECT_TRUE(r.set(make_message("a", "")));
  EXPECT_TRUE(r.set(make_message("c", "1")));
  EXPECT_EQ(collect(r, "#"), (texts{"b", "c"}));
}

TEST(Retained, RefusesOverItsBytesAndKeepsWhatWasThere) {
  const uint64_t one = make_message("a", "1234567890")->footprint();
  retained r({100, 2 * one});
  EXPECT_TRUE(r.set(make_message("a", "1234567890")));
  EXPECT_TRUE(r.set(make_message("b", "1234567890")));
  EXPECT_EQ(r.bytes(), 2 * one);
  EXPECT_FALSE(r.set(make_message("c", "")) && r.set(make_message("c", "1")));
  EXPECT_FALSE(r.set(make_message("b", "12345678901")));
  EXPECT_TRUE(r.set(make_message("b", "12345")));
  EXPECT_EQ(r.bytes(), 2 * one - 5);
  EXPECT_EQ(r.messages(), 2u);
}

TEST(Retained, ExpiredOnesAreNotGivenAndAreFreed) {
  retained r(plenty);
  r.set(make_expiring("a/1", "x", 1, 10, 1000));
  r.set(make_message("a/2", "x"));
  r.set(make_expiring("a/3", "x", 1, 10, 1000));
  EXPECT_EQ(collect(r, "a/#", 10, 10'999), (texts{"a/1", "a/2", "a/3"}));
  EXPECT_EQ(collect(r, "a/1", 10, 11'000), texts{});
  EXPECT_EQ(r.messages(), 2u);
  EXPECT_EQ(collect(r, "a/#", 1, 11'000), (texts{"a/2"}));
  EXPECT_EQ(r.messages(), 1u);
  EXPECT_EQ(r.bytes(), make_message("a/2", "x")->footprint());
}

TEST(Retained, HashIncludesTheLevelAbove) {
  retained r(plenty);
  for (const char* t : {"a", "a/b", "a/b/c", "ab", "a!b", "b", "/", "$SYS/x"})
    r.set(make_message(t, "x"));
  EXPECT_EQ(collect(r, "a/#", 1), (texts{"a", "a/b", "a/b/c"}));
  EXPECT_EQ(collect(r, "a/+", 1), (texts{"a/b"}));
  EXPECT_EQ(collect(r, "#").size(), 7u);  // not $SYS
  EXPECT_EQ(collect(r, "$SYS/#"), (texts{"$SYS/x"}));
  EXPECT_EQ(collect(r, "+"), (texts{"a", "a!b", "ab", "b"}));
}

TEST(Retained, KnowsWithoutASearchThatNothingMatches) {
  retained r(plenty);
  EXPECT_FALSE(r.may_match("#"));
  r.set(make_message("a/b", "p"));
  for (const char* filter : {"a/b", "a/#", "a/+", "+/x", "#", "a/b/#"})
    EXPECT_TRUE(r.may_match(filter)) << filter;
  for (const char* filter : {"a", "a/b/c", "a/c", "b/#", "a/b/+", "a/bc/#", "a/a/+"})
    EXPECT_FALSE(r.may_match(filter)) << filter;
}

TEST(Retained, ASearchThatFindsNothingStopsNowAndThen) {
  retained r(plenty);
  for (int i = 0; i < 1000; ++i) r.set(make_message("a/" + std::to_string(i), "x"));
  retained::budget b{10, 10, 160};
  const auto p = r.collect("a/+/none", "", b, 0, [](const auto&) { FAIL(); });
  EXPECT_FALSE(p.done);
  EXPECT_FALSE(p.next.empty());
  EXPECT_EQ(b.topics, 0u);
  EXPECT_EQ(b.messages, 10u);
  EXPECT_EQ(collect(r, "a/+/none", 10), texts{});
}

TEST(Retained, PagesGoOnWhereTheyStoppedWhenTopicsComeAndGo) {
  retained r(plenty);
  for (const char* t : {"a/1", "a/2", "a/3", "a/4"}) r.set(make_message(t, "x"));
  texts got;
  auto take = [&](const auto& m) { got.emplace_back(m->topic()); };
  auto page = [&](std::string_view from) {
    retained::budget b{2};
    return r.collect("a/#", from, b, 0, take);
  };
  auto p = page("");
  EXPECT_FALSE(p.done);
  r.set(make_message("a/2", ""));
  r.set(make_message("a/3", ""));  // where it goes on
  r.set(make_message("a/0", "x"));
  r.set(make_message("a/35", "x"));
  while (!p.done) p = page(p.next);
  EXPECT_EQ(got, (texts{"a/1", "a/2", "a/35", "a/4"}));
}

std::string random_text(fakes::seeded_random& random, bool filter) {
  static constexpr std::string_view levels[] = {"a", "b", "ab", "", "$x", "-"};
  std::string text;
  const size_t depth = 1 + random.below(4);
  for (size_t d = 0; d < depth; ++d) {
    if (d) text.push_back('/');
    if (filter && random.one_in(4))
      text.push_back('+');
    else if (filter && d + 1 == depth && random.one_in(2))
      text.push_back('#');
    else
      text.append(levels[random.below(6)]);
  }
  return text.empty() ? "a" : text;
}

TEST(Retained, PagesOfAnySizeGiveWhatMatchesOneByOne) {
  fakes::seeded_random random;
  SCOPED_TRACE(random.name());
  retained r(plenty);
  std::map<std::string, std::string> model;
  uint64_t bytes = 0;
  auto footprint = [](const std::string& topic, const std::string& payload) {
    return make_message(topic, payload)->footprint();
  };
  for (int step = 0; step < 5000; ++step) {
    const auto topic = random_text(random, false);
    const std::string payload(random.one_in(3) ? 0 : 1 + random.below(20), 'x');
    if (model.contains(topic)) bytes -= footprint(topic, model[topic]);
    if (payload.empty()) {
      model.erase(topic);
    } else {
      model[topic] = payload;
      bytes += footprint(topic, payload);
    }
    ASSERT_TRUE(r.set(make_message(topic, payload)));
    ASSERT_EQ(r.messages(), model.size());
    ASSERT_EQ(r.bytes(), bytes);
    const auto filter = random_text(random, true);
    texts want;
    for (const auto& [t, p] : model)
      if (mqtt::matches(filter, t)) want.push_back(t);
    ASSERT_EQ(collect(r, filter, 1 + random.below(5)), want) << filter;
    ASSERT_TRUE(want.empty() || r.may_match(filter)) << filter;
  }
}

}  // namespace
}  // namespace dunlin::core
