#include "broker/core/shared_group.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace dunlin::core {
namespace {

struct member {
  char name;
  core::standing stands = core::standing::ready;
  uint64_t unfinished = 0;
  core::standing standing() const { return stands; }
  uint64_t outstanding() const { return unfinished; }
  uint64_t hash() const { return static_cast<uint64_t>(name) * 1'000'003; }
};

using how = share_strategy;

std::string picks(shared_group<member>& g, int n, how s = how::round_robin, uint64_t key = 0) {
  std::string names;
  for (int i = 0; i < n; ++i) {
    const member* m = g.pick(s, key);
    names.push_back(m ? m->name : '-');
  }
  return names;
}

shared_group<member> group_of(std::initializer_list<member> members) {
  shared_group<member> g;
  g.members().assign(members);
  return g;
}

constexpr how all[] = {how::round_robin, how::random,      how::least_outstanding,
                       how::sticky,      how::hash_client, how::hash_topic};

TEST(SharedGroup, TakesItsMembersInTurn) {
  auto g = group_of({{'a'}, {'b'}, {'c'}});
  EXPECT_EQ(picks(g, 7), "abcabca");
}

TEST(SharedGroup, PassesOverMembersThatStandWorse) {
  auto g = group_of({{'a'}, {'b', standing::offline}, {'c', standing::congested}, {'d'}});
  EXPECT_EQ(picks(g, 4), "adad");
}

TEST(SharedGroup, TheBestOfTheBadWhenNobodyIsReady) {
  auto g = group_of({{'a', standing::offline}, {'b', standing::slow}, {'c', standing::offline}});
  EXPECT_EQ(picks(g, 2), "bb");
  g = group_of({{'a', standing::slow}, {'b', standing::congested}, {'c', standing::waiting}});
  EXPECT_EQ(picks(g, 2), "cc");
  g = group_of({{'a', standing::offline}, {'b', standing::offline}});
  EXPECT_EQ(picks(g, 3), "aba");
}

TEST(SharedGroup, WithoutMembersNobodyGetsIt) {
  auto g = group_of({});
  for (how s : all) EXPECT_EQ(picks(g, 1, s), "-");
}

TEST(SharedGroup, NoStrategyChoosesTheSlowOrTheOfflineWhileAnotherIsReady) {
  for (how s : all)
    for (standing bad : {standing::offline, standing::slow})
      for (uint64_t key = 0; key < 50; ++key) {
        auto g = group_of({{'a', bad}, {'b', bad}, {'c'}, {'d', bad}});
        ASSERT_EQ(picks(g, 1, s, key), "c") << static_cast<int>(s);
      }
}

TEST(SharedGroup, OnlyTheOrderedStrategiesWaitForACongestedMember) {
  for (how s : {how::round_robin, how::random, how::least_outstanding, how::sticky}) {
    auto g = group_of({{'a', standing::congested}, {'b'}});
    for (uint64_t key = 0; key < 20; ++key)
      ASSERT_EQ(picks(g, 1, s, key), "b") << static_cast<int>(s);
  }
  std::map<char, int> got;
  auto g = group_of({{'a', standing::congested}, {'b'}});
  for (uint64_t key = 0; key < 100; ++key) ++got[picks(g, 1, how::hash_topic, key)[0]];
  EXPECT_GT(got['a'], 20) << "its keys stay: the order of a topic";
}

TEST(SharedGroup, RandomReachesEveryReadyMemberAlike) {
  auto g = group_of({{'a'}, {'b', standing::waiting}, {'c'}, {'d'}});
  std::map<char, int> got;
  for (uint64_t key = 0; key < 300; ++key) ++got[picks(g, 1, how::random, key)[0]];
  EXPECT_EQ(got['a'], 100);
  EXPECT_EQ(got['b'], 0);
  EXPECT_EQ(got['c'], 100);
  EXPECT_EQ(got['d'], 100);
}

TEST(SharedGroup, LeastOutstandingFillsUpTheEmptiest) {
  auto g = group_of({{'a', standing::ready, 2}, {'b', standing::ready, 0}, {'c'}});
  std::string names;
  for (int i = 0; i < 5; ++i) {
    member* m = g.pick(how::least_outstanding, 0);
    ++m->unfinished;
    names.push_back(m->name);
  }
  EXPECT_EQ(std::count(names.begin(), names.end(), 'a'), 1) << names;
  EXPECT_EQ(std::count(names.begin(), names.end(), 'b'), 2) << names;
  EXPECT_EQ(std::count(names.begin(), names.end(), 'c'), 2) << names;
}

TEST(SharedGroup, StickyStaysUntilItsMemberIsHeldBackOrGoes) {
  auto g = group_of({{'a'}, {'b'}, {'c'}});
  EXPECT_EQ(picks(g, 3, how::sticky), "aaa");
  g.members()[0].stands = standing::waiting;
  EXPECT_EQ(picks(g, 2, how::sticky), "aa") << "they wait there in order";
  g.members()[0].stands = standing::congested;
  EXPECT_EQ(picks(g, 2, how::sticky), "bb");
  g.members()[0].stands = standing::ready;
  EXPECT_EQ(picks(g, 2, how::sticky), "bb");
  g.remove(0);
  EXPECT_EQ(picks(g, 2, how::sticky), "bb") << "another left";
  g.remove(0);
  EXPECT_EQ(picks(g, 2, how::sticky), "cc");
}

TEST(SharedGroup, AHashKeepsAKeyWithItsMemberAndMovesOnlyTheKeysOfOneThatGoes) {
  auto g = group_of({{'a'}, {'b'}, {'c'}, {'d'}});
  std::string before, without, back;
  for (uint64_t key = 0; key < 1000; ++key) before += picks(g, 1, how::hash_client, key);
  for (char c : {'a', 'b', 'c', 'd'}) EXPECT_GT(std::count(before.begin(), before.end(), c), 180);
  g.remove(1);
  for (uint64_t key = 0; key < 1000; ++key) without += picks(g, 1, how::hash_client, key);
  for (size_t i = 0; i < before.size(); ++i) {
    if (before[i] != 'b') {
      ASSERT_EQ(without[i], before[i]);
    } else {
      ASSERT_NE(without[i], 'b');
    }
  }
  g.members().push_back({'b'});
  for (uint64_t key = 0; key < 1000; ++key) back += picks(g, 1, how::hash_client, key);
  EXPECT_EQ(back, before);
}

TEST(SharedGroup, RemovingKeepsTheTurn) {
  auto g = group_of({{'a'}, {'b'}, {'c'}, {'d'}});
  EXPECT_EQ(picks(g, 2), "ab");
  g.remove(0);
  EXPECT_EQ(picks(g, 3), "cdb");
}

}  // namespace
}  // namespace dunlin::core
