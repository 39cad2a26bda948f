#include "broker/core/shared_group.hpp"

#include <gtest/gtest.h>

#include <string>

namespace dunlin::core {
namespace {

struct member {
  char name;
  bool is_online = true;
  bool is_welcome = true;
  bool online() const { return is_online; }
  bool ready() const { return is_online && is_welcome; }
};

std::string picks(shared_group<member>& g, int n) {
  std::string names;
  for (int i = 0; i < n; ++i) {
    const member* m = g.pick();
    names.push_back(m ? m->name : '-');
  }
  return names;
}

shared_group<member> group_of(std::initializer_list<member> members) {
  shared_group<member> g;
  g.members().assign(members);
  return g;
}

TEST(SharedGroup, TakesItsMembersInTurn) {
  auto g = group_of({{'a'}, {'b'}, {'c'}});
  EXPECT_EQ(picks(g, 7), "abcabca");
}

TEST(SharedGroup, PassesOverMembersThatAreOfflineOrHeldBack) {
  auto g = group_of({{'a'}, {'b', false}, {'c', true, false}, {'d'}});
  EXPECT_EQ(picks(g, 4), "adad");
}

TEST(SharedGroup, TakesHeldBackMembersBeforeOfflineOnes) {
  auto g = group_of({{'a', false}, {'b', true, false}, {'c', true, false}});
  EXPECT_EQ(picks(g, 4), "bcbc");
}

TEST(SharedGroup, TakesOfflineMembersInTurnWhenThereIsNoOther) {
  auto g = group_of({{'a', false}, {'b', false}});
  EXPECT_EQ(picks(g, 4), "abab");
}

TEST(SharedGroup, WithoutMembersPicksNone) {
  shared_group<member> g;
  EXPECT_EQ(picks(g, 2), "--");
}

TEST(SharedGroup, GoesOnWhenMembersComeAndGo) {
  auto g = group_of({{'a'}, {'b'}, {'c'}});
  EXPECT_EQ(picks(g, 3), "abc");
  g.members().erase(g.members().begin(), g.members().begin() + 2);
  EXPECT_EQ(picks(g, 2), "cc");
  g.members().push_back({'d'});
  const std::string four = picks(g, 4);
  EXPECT_TRUE(four == "cdcd" || four == "dcdc") << four;
}

}  // namespace
}  // namespace dunlin::core
