#include "broker/core/topic_index.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/fakes/random.hpp"

namespace dunlin::core {
namespace {

struct subscriber {
  int who = 0;
  int options = 0;
  int key() const { return who; }
};
using index = topic_index<subscriber>;

void add(index& i, std::string_view filter, int who) {
  EXPECT_TRUE(i.add(filter_ptr(filter), {who}).second) << filter;
}
void remove(index& i, std::string_view filter, int who) {
  EXPECT_TRUE(i.remove(filter, who)) << filter;
}
std::vector<int> match(const index& i, std::string_view topic) {
  std::vector<int> found;
  i.match(topic, [&](const subscriber& s) { found.push_back(s.who); });
  std::sort(found.begin(), found.end());
  return found;
}

struct row {
  std::string_view filter, topic;
  bool matches;
};

// The examples of MQTT 5.0 sections 4.7.1 to 4.7.3, and their edges.
constexpr row table[] = {
    {"sport/tennis/player1/#", "sport/tennis/player1", true},
    {"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
    {"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
    {"sport/#", "sport", true},
    {"sport/#", "sports", false},
    {"#", "sport", true},
    {"#", "a/b/c", true},
    {"#", "/", true},
    {"sport/tennis/+", "sport/tennis/player1", true},
    {"sport/tennis/+", "sport/tennis/player1/ranking", false},
    {"sport/+", "sport", false},
    {"sport/+", "sport/", true},
    {"+", "sport", true},
    {"+", "/finance", false},
    {"+/tennis/#", "sport/tennis/x", true},
    {"+/tennis/#", "sport/tennis", true},
    {"sport/+/player1", "sport/tennis/player1", true},
    {"sport/+/player1", "sport/player1", false},
    {"+/+", "/finance", true},
    {"/+", "/finance", true},
    {"/finance", "/finance", true},
    {"/finance", "finance", false},
    {"#", "$SYS/a", false},
    {"+/monitor/Clients", "$SYS/monitor/Clients", false},
    {"$SYS/#", "$SYS/a/b", true},
    {"$SYS/monitor/+", "$SYS/monitor/Clients", true},
    {"ACCOUNTS", "Accounts", false},
    {"a//b", "a//b", true},
    {"a/+/b", "a//b", true},
    {"a//b", "a/b", false},
    {"a/b/", "a/b", false},
    {"+/+/#", "a", false},
    {"+/#", "a", true},
    {"a/+/#", "a/b", true},
};

TEST(TopicIndex, MatchesAsTheSpecificationSays) {
  for (const row& r : table) {
    index i;
    add(i, r.filter, 1);
    EXPECT_EQ(match(i, r.topic).size(), r.matches ? 1u : 0u) << r.filter << " on " << r.topic;
    EXPECT_EQ(mqtt::matches(r.filter, r.topic), r.matches) << r.filter << " on " << r.topic;
  }
}

TEST(TopicIndex, MatchesTheSameWithAllFiltersInOneIndex) {
  index i;
  for (size_t n = 0; n < std::size(table); ++n) add(i, table[n].filter, static_cast<int>(n));
  for (const row& r : table) {
    std::vector<int> want;
    for (size_t n = 0; n < std::size(table); ++n)
      if (mqtt::matches(table[n].filter, r.topic)) want.push_back(static_cast<int>(n));
    EXPECT_EQ(match(i, r.topic), want) << r.topic;
  }
}

TEST(TopicIndex, FindsNothingAtALevelThatOnlyLeadsOn) {
  index i;
  add(i, "a/+/c", 1);
  EXPECT_EQ(match(i, "a/b"), std::vector<int>{});
  EXPECT_EQ(i.filters(), 1u);
}

TEST(TopicIndex, RemovingWhatIsNotThereChangesNothing) {
  index i;
  add(i, "a/+/c", 1);
  EXPECT_FALSE(i.remove("a/+/c", 2));
  for (const char* filter : {"a/+", "a/#", "x/+", "x"}) EXPECT_FALSE(i.remove(filter, 1));
  EXPECT_EQ(i.filters(), 1u);
  EXPECT_EQ(match(i, "a/b/c"), std::vector<int>{1});
}

TEST(TopicIndex, KeepsALevelThatOthersStillUse) {
  index i;
  add(i, "a/+", 1);
  add(i, "a/+/c", 2);
  remove(i, "a/+/c", 2);
  EXPECT_EQ(match(i, "a/b"), std::vector<int>{1});
  add(i, "a/+/c", 2);
  remove(i, "a/+", 1);
  EXPECT_EQ(match(i, "a/b/c"), std::vector<int>{2});
  EXPECT_EQ(match(i, "a/b"), std::vector<int>{});
}

std::string random_text(fakes::seeded_random& random, bool filter) {
  static constexpr std::string_view levels[] = {"a", "b", "c", "", "$SYS", "long-level-name"};
  std::string text;
  const size_t depth = 1 + random.below(4);
  for (size_t d = 0; d < depth; ++d) {
    if (d) text.push_back('/');
    if (filter && random.one_in(4)) {
      text.push_back('+');
    } else if (filter && d + 1 == depth && random.one_in(3)) {
      text.push_back('#');
    } else {
      text.append(levels[random.below(d == 0 ? 6 : 4)]);
    }
  }
  return text.empty() ? "a" : text;
}

TEST(TopicIndex, MatchesWhatMatchesOneByOneOverAnyChanges) {
  fakes::seeded_random random;
  SCOPED_TRACE(random.name());
  index i;
  std::map<std::string, std::set<int>> model;
  for (int step = 0; step < 30'000; ++step) {
    const bool growing = (step / 3000) % 2 == 0;
    if (random.below(10) < (growing ? 7u : 2u)) {
      const auto filter = random_text(random, true);
      const int who = static_cast<int>(random.below(5));
      const auto [s, added] = i.add(filter_ptr(filter), {who});
      ASSERT_EQ(s.who, who);
      ASSERT_EQ(added, model[filter].insert(who).second);
    } else if (!model.empty()) {
      auto it = std::next(model.begin(), static_cast<long>(random.below(model.size())));
      remove(i, it->first, *it->second.begin());
      it->second.erase(it->second.begin());
      if (it->second.empty()) model.erase(it);
    }
    ASSERT_EQ(i.filters(), model.size());
    const auto topic = random_text(random, false);
    std::vector<int> want;
    for (const auto& [filter, all] : model)
      if (mqtt::matches(filter, topic)) want.insert(want.end(), all.begin(), all.end());
    std::sort(want.begin(), want.end());
    const size_t together = random.below(2 * index::prefetched_at_once);
    const std::string_view asked[] = {topic, "not/there"};
    i.prefetch(together, [&](size_t n) { return asked[n % 2]; });
    ASSERT_EQ(match(i, topic), want) << topic;
  }
}

// Back and forth over the number from which subscribers are found by their keys.
TEST(TopicIndex, ManySubscribersOfOneFilterComeAndGo) {
  fakes::seeded_random random;
  SCOPED_TRACE(random.name());
  for (const std::string_view filter : {"to/all", "to/+"}) {
    index i;
    std::map<int, int> model;
    for (int step = 0; step < 40'000; ++step) {
      const bool growing = (step / 2000) % 2 == 0;
      const int who = static_cast<int>(random.below(200));
      if (random.below(10) < (growing ? 7u : 3u)) {
        const auto [s, added] = i.add(filter_ptr(filter), {who, step});
        ASSERT_EQ(added, !model.contains(who));
        ASSERT_EQ(s.options, added ? step : model[who]);
        s.options = model[who] = step;
      } else {
        ASSERT_EQ(i.remove(filter, who), model.erase(who) == 1);
      }
      if (step % 50) continue;
      std::map<int, int> found;
      i.match("to/all", [&](const subscriber& s) { found[s.who] = s.options; });
      ASSERT_EQ(found, model);
    }
  }
}

// A topic that all devices subscribe to.
TEST(TopicIndex, ToComeAndGoCostsTheSameAmongManySubscribers) {
  const auto cost = [](int subscribers) {
    index i;
    const filter_ptr filter("to/all");
    const auto began = ::clock();  // this process' time: others do not lengthen it
    for (int who = 0; who < subscribers; ++who) i.add(filter, {who});
    for (int who = 0; who < subscribers; ++who) i.remove(filter.view(), who);
    return static_cast<double>(::clock() - began) / subscribers;
  };
  EXPECT_LT(cost(40'000), 6 * cost(2'000));  // the search through a list: 14 times
}

TEST(TopicIndex, FreesEveryNodeWithItsLastSubscriber) {
  fakes::seeded_random random;
  SCOPED_TRACE(random.name());
  index i;
  std::set<std::string> filters;
  for (int n = 0; n < 500; ++n) filters.insert(random_text(random, true));
  for (const auto& f : filters) add(i, f, 7);
  EXPECT_GT(i.nodes(), 1u);
  for (const auto& f : filters) remove(i, f, 7);
  EXPECT_EQ(i.filters(), 0u);
  EXPECT_EQ(i.nodes(), 1u);  // the root
  EXPECT_EQ(match(i, "a/b"), std::vector<int>{});
}

}  // namespace
}  // namespace dunlin::core
