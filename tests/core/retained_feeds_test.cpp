#include "broker/core/retained_feeds.hpp"

#include <gtest/gtest.h>

#include <ctime>
#include <map>
#include <string>
#include <vector>

#include "tests/core/packets.hpp"

namespace dunlin::core {
namespace {

struct options {
  int tag = 0;
};
using feeds = retained_feeds<const int*, options>;

class RetainedFeeds : public ::testing::Test {
 protected:
  void fill(int n) {
    for (int i = 0; i < n; ++i)
      store_.set(make_message("t/" + std::to_string(1'000'000 + i) + "/x", "p"));
  }
  // One page; its receiver's topics are counted.
  feeds::page step(size_t messages = 10, size_t topics = 100) {
    retained::budget b{messages, 1 << 20, topics};
    const auto p = feeds_.next(store_, b, 0, [&](const int* to, const options& o, const auto& m) {
      ++got_[to];
      last_tag_ = o.tag;
      last_topic_ = m->topic();
    });
    looked_ = topics - b.topics;
    return p;
  }
  // Until nothing is left, everybody taking what comes.
  int drain() {
    int steps = 0;
    for (; feeds_.runnable(); ++steps)
      if (const auto p = step(); p.number) feeds_.credit(p.to, p.number);
    return steps;
  }

  retained store_{{1'000'000, 1ull << 40}};
  feeds feeds_;
  std::map<const int*, int> got_;
  int a_ = 0, b_ = 0;
  int last_tag_ = 0;
  std::string last_topic_;
  size_t looked_ = 0;
};

TEST_F(RetainedFeeds, EverythingComesInBoundedSteps) {
  fill(100'000);
  feeds_.add(&a_, {filter_ptr("t/#")});
  EXPECT_GE(drain(), 10'000);
  EXPECT_EQ(got_[&a_], 100'000);
  EXPECT_TRUE(feeds_.empty());
}

TEST_F(RetainedFeeds, WhatCameAsItWasPublishedDoesNotComeAgain) {
  fill(100);
  feeds_.add(&a_, {filter_ptr("t/#"), {1}});
  feeds_.add(&a_, {filter_ptr("other/#"), {2}});
  step(10);
  const auto sent = make_message("t/1000050/x", "new"), away = make_message("t/1000051/x", "new"),
             first = make_message("other/1", "p");
  for (const auto& m : {sent, away, first}) store_.set(m);
  feeds_.published(&a_, sent, true);
  feeds_.published(&a_, away, true);
  feeds_.published(&a_, away, false);  // the same place in memory, another message
  feeds_.credit(&a_, 1);
  drain();
  EXPECT_EQ(got_[&a_], 100) << "99 of t/#, and what nobody has sent of other/#";
  feeds_.add(&a_, {filter_ptr("t/#"), {3}});
  drain();
  EXPECT_EQ(got_[&a_], 200) << "a new subscription gets all of them";
}

TEST_F(RetainedFeeds, WithoutCreditThereIsNoSecondPage) {
  fill(100);
  feeds_.add(&a_, {filter_ptr("#")});
  const auto first = step();
  EXPECT_EQ(got_[&a_], 10);
  EXPECT_FALSE(feeds_.runnable());
  feeds_.add(&a_, {filter_ptr("t/+/x")});
  EXPECT_FALSE(feeds_.runnable()) << "another subscription of the same receiver waits with it";
  feeds_.credit(&a_, first.number + 1);
  EXPECT_FALSE(feeds_.runnable()) << "not the page that is out";
  feeds_.credit(&a_, first.number);
  drain();
  EXPECT_EQ(got_[&a_], 200);
}

TEST_F(RetainedFeeds, ReceiversTakeTurns) {
  fill(1000);
  feeds_.add(&a_, {filter_ptr("#")});
  feeds_.add(&b_, {filter_ptr("#")});
  for (int i = 0; i < 50; ++i) {
    const auto p = step();
    feeds_.credit(p.to, p.number);
    ASSERT_LE(std::abs(got_[&a_] - got_[&b_]), 10);
  }
}

TEST_F(RetainedFeeds, TopicsThatDoNotMatchAreWorkToo) {
  fill(1000);
  store_.set(make_message("z", "last"));
  feeds_.add(&a_, {filter_ptr("+")});
  int empty = 0;
  for (; feeds_.runnable() && step().number == 0; ++empty) EXPECT_LE(looked_, 100u);
  EXPECT_EQ(empty, 10) << "a thousand topics, a hundred at a time";
  EXPECT_EQ(last_topic_, "z");
}

TEST_F(RetainedFeeds, ManySubscriptionsWithoutAMatchAreBoundedToo) {
  for (int i = 0; i < 1000; ++i) feeds_.add(&a_, {filter_ptr("none/" + std::to_string(i))});
  int steps = 0;
  for (; feeds_.runnable(); ++steps) step();
  EXPECT_EQ(steps, 10);
  EXPECT_TRUE(feeds_.empty());
}

// A backend that subscribes to each of its devices by name.
TEST_F(RetainedFeeds, ASubscriptionCostsTheSameAfterManyOthers) {
  const auto cost = [](int subscriptions) {
    feeds f;
    int to = 0;
    std::vector<filter_ptr> filters;
    for (int i = 0; i < subscriptions; ++i) filters.emplace_back("of/" + std::to_string(i) + "/#");
    const auto began = ::clock();  // this process' time: others do not lengthen it
    for (const auto& filter : filters) f.add(&to, {filter});
    for (int i = subscriptions; i-- > 0;) f.stop(&to, filters[i].view());
    return static_cast<double>(::clock() - began) / subscriptions;
  };
  EXPECT_LT(cost(40'000), 10 * cost(2'000));  // the search through a list: 40 times
}

TEST_F(RetainedFeeds, BytesBoundAPage) {
  for (int i = 0; i < 10; ++i)
    store_.set(make_message("t/" + std::to_string(i), std::string(1000, 'x')));
  feeds_.add(&a_, {filter_ptr("#")});
  retained::budget b{100, 2500};
  int n = 0;
  feeds_.next(store_, b, 0, [&](auto, auto&, auto&) { ++n; });
  EXPECT_EQ(n, 3) << "the last one may exceed it";
}

TEST_F(RetainedFeeds, ASubscriptionThatEndsOrIsMadeAnew) {
  fill(100);
  feeds_.add(&a_, {filter_ptr("#"), {1}});
  auto p = step();
  feeds_.add(&a_, {filter_ptr("#"), {2}});
  feeds_.credit(&a_, p.number);
  drain();
  EXPECT_EQ(got_[&a_], 110) << "it began anew";
  EXPECT_EQ(last_tag_, 2);
  feeds_.add(&a_, {filter_ptr("#")});
  feeds_.stop(&a_, "#");
  drain();
  EXPECT_EQ(got_[&a_], 110);
  feeds_.add(&a_, {filter_ptr("#")});
  feeds_.forget(&a_);
  EXPECT_TRUE(feeds_.empty());
  drain();
  EXPECT_EQ(got_[&a_], 110);
  feeds_.add(&a_, {filter_ptr("#")});
  feeds_.forget(&a_);
  feeds_.add(&a_, {filter_ptr("#")});  // another with its address
  drain();
  EXPECT_EQ(got_[&a_], 210) << "once, though there are two turns";
}

TEST_F(RetainedFeeds, WhatChangesMeanwhileIsSeenAsItIs) {
  fill(30);
  feeds_.add(&a_, {filter_ptr("#")});
  auto p = step();
  store_.set(make_message(last_topic_, ""));       // behind it: no matter
  store_.set(make_message("t/1000010/x", ""));     // the next one is gone
  store_.set(make_message("t/1000010/y", "new"));  // one comes in its place
  store_.set(make_message("t/0", "new, but before it"));
  feeds_.credit(p.to, p.number);
  drain();
  EXPECT_EQ(got_[&a_], 30);
}

}  // namespace
}  // namespace dunlin::core
