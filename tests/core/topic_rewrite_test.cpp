#include "broker/core/topic_rewrite.hpp"

#include <gtest/gtest.h>

namespace dunlin::core {
namespace {

constexpr topic_user bob{"c1", "bob"};

std::string publish(const topic_rewrite& r, std::string_view topic, topic_user who = bob) {
  std::string out(topic);
  return r.publish(topic, who, out) == rewritten::refused ? "refused" : out;
}
std::string subscribe(const topic_rewrite& r, std::string_view filter, topic_user who = bob) {
  std::string out(filter);
  return r.subscribe(filter, who, out) == rewritten::refused ? "refused" : out;
}
std::string fault(const rewrite_rule& rule) {
  topic_rewrite r;
  const auto f = r.add(rule);
  return f ? std::string(f->key) + ": " + f->what : "ok";
}

TEST(TopicRewrite, TheFirstRuleThatMatchesWins) {
  topic_rewrite r;
  r.add({.filter = "x/#", .regex = "^x/(.+)/(.+)$", .to = "y/$2/$1"});
  r.add({.filter = "x/#", .regex = "^x/(.+)$", .to = "z/$1"});
  r.add({.filter = "#", .regex = "^x/", .to = "never"});
  EXPECT_EQ(publish(r, "x/1/2"), "y/2/1");
  EXPECT_EQ(publish(r, "x/1"), "z/1");
  EXPECT_EQ(publish(r, "other/x/1"), "other/x/1");
  EXPECT_EQ(subscribe(r, "x/+/#"), "refused") << "y/#/+ is no filter";
  EXPECT_EQ(subscribe(r, "x/#"), "z/#");
  EXPECT_EQ(subscribe(r, "$share/g/x/1"), "$share/g/z/1");
}

TEST(TopicRewrite, AnActionIsForPublishesOrSubscriptionsAlone) {
  topic_rewrite r;
  r.add({true, false, "p/#", "^p/(.*)$", "published/$1"});
  r.add({false, true, "p/#", "^p/(.*)$", "subscribed/$1"});
  EXPECT_EQ(publish(r, "p/1"), "published/1");
  EXPECT_EQ(subscribe(r, "p/1"), "subscribed/1");
}

TEST(TopicRewrite, PlaceholdersAreTheClientsAndMustNotReachFurther) {
  topic_rewrite r;
  r.add({.filter = "me/#", .regex = "^me/(.+)$", .to = "c/%c/u/%u/$1"});
  EXPECT_EQ(publish(r, "me/t"), "c/c1/u/bob/t");
  for (const char* bad : {"", "+", "#", "a/b", "a#"}) {
    EXPECT_EQ(publish(r, "me/t", {bad, "bob"}), "refused") << bad;
    EXPECT_EQ(subscribe(r, "me/t", {"c1", bad}), "refused") << bad;
  }
}

TEST(TopicRewrite, WhatWouldBeNoTopicIsRefused) {
  topic_rewrite r;
  r.add({.filter = "a/#", .regex = "^a/(.*)$", .to = "$1"});
  EXPECT_EQ(publish(r, "a/b"), "b");
  EXPECT_EQ(publish(r, "a/"), "refused") << "empty";
  EXPECT_EQ(subscribe(r, "a/+"), "+");
  topic_rewrite longer;
  longer.add({.filter = "#", .regex = "^(.*)$", .to = "$1/$1"});
  EXPECT_EQ(publish(longer, std::string(40'000, 'x')), "refused");
}

TEST(TopicRewrite, HostileExpressionsAndTopicsTakeLinearTime) {
  topic_rewrite r;
  EXPECT_FALSE(r.add({.filter = "#", .regex = "^(a+)+$", .to = "y/$1"}));
  EXPECT_EQ(publish(r, std::string(60'000, 'a') + "!"), std::string(60'000, 'a') + "!");
}

TEST(TopicRewrite, FaultsNameTheKey) {
  EXPECT_EQ(fault({.filter = "a/#/b", .regex = "x", .to = "y"}),
            "filter: \"a/#/b\" is not a topic filter");
  EXPECT_EQ(fault({.filter = "a", .regex = "", .to = "y"}),
            "regex: a rewrite needs a regular expression");
  EXPECT_EQ(fault({.filter = "a", .regex = "(", .to = "y"}),
            "regex: \"(\" is no regular expression: missing ): (");
  EXPECT_EQ(fault({.filter = "a", .regex = "(x)", .to = "y/$2"}),
            "to: \"y/$2\" names group $2, and regex has 1");
  EXPECT_EQ(fault({.filter = "a", .regex = "x", .to = "y/+"}),
            "to: \"y/+\" is not a topic to publish to");
  EXPECT_EQ(fault({false, true, "a", "x", "y/+"}), "ok");
  EXPECT_EQ(fault({.filter = "a", .regex = "x", .to = ""}),
            "to: \"\" is not a topic to publish to");
}

TEST(TopicPattern, ADollarIsItselfWithoutGroups) {
  std::string out;
  EXPECT_TRUE(topic_pattern("$share/g/%c/100%/$1", 0).expand(bob, {}, out));
  EXPECT_EQ(out, "$share/g/c1/100%/$1");
}

}  // namespace
}  // namespace dunlin::core
