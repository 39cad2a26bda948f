#include "tests/load/inbox.hpp"

#include <gtest/gtest.h>

namespace dunlin::load {
namespace {

TEST(OrderedInbox, TakesItsPublishersOnly) {
  ordered_inbox in(5, 2);
  EXPECT_EQ(in.got(5, 0), arrival::first);
  EXPECT_EQ(in.got(6, 0), arrival::first);
  EXPECT_EQ(in.got(6, 0), arrival::again);
  EXPECT_EQ(in.got(4, 0), arrival::not_for_this_receiver);
  EXPECT_EQ(in.got(7, 0), arrival::not_for_this_receiver);
}

TEST(OrderedInbox, KeepsPublishersApart) {
  ordered_inbox in(0, 2);
  in.got(0, 0);
  in.got(1, 1);
  in.got(1, 0);
  EXPECT_EQ(in.streams()[0].reordered(), 0u);
  EXPECT_EQ(in.streams()[1].reordered(), 1u);
}

std::shared_ptr<group_seen> group_of(size_t publishers) {
  auto g = std::make_shared<group_seen>();
  g->publishers.resize(publishers);
  return g;
}

TEST(SetInbox, MembersOfAGroupDivideTheMessages) {
  const auto group = group_of(1);
  set_inbox a(group, true), b(group, true);
  EXPECT_EQ(a.got(0, 0), arrival::first);
  EXPECT_EQ(b.got(0, 1), arrival::first);
  EXPECT_EQ(a.got(0, 2), arrival::first);
  EXPECT_EQ(b.got(0, 2), arrival::again);
  EXPECT_EQ(group->publishers[0].missing_below(3), 0u);
  EXPECT_EQ(group->publishers[0].duplicates(), 1u);
  EXPECT_EQ(a.reordered() + b.reordered(), 0u);
}

TEST(SetInbox, EachMembersPartIsInOrder) {
  const auto group = group_of(2);
  set_inbox in(group, true);
  for (const uint64_t n : {3u, 7u, 5u}) in.got(1, n);
  in.got(0, 0);  // another publisher
  EXPECT_EQ(in.reordered(), 1u);
  set_inbox unordered(group_of(1), false);
  for (const uint64_t n : {3u, 7u, 5u}) unordered.got(0, n);
  EXPECT_EQ(unordered.reordered(), 0u);
}

TEST(SetInbox, RefusesWhatIsAnothersOrUnknown) {
  set_inbox in(group_of(1), true, [](uint64_t n) { return n % 2 == 0; });
  EXPECT_EQ(in.got(0, 2), arrival::first);
  EXPECT_EQ(in.got(0, 3), arrival::not_for_this_receiver);
  EXPECT_EQ(in.got(1, 2), arrival::not_for_this_receiver);
}

}  // namespace
}  // namespace dunlin::load
