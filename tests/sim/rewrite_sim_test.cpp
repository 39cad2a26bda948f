// Topics that are rewritten, and subscriptions that clients get by themselves.
#include <set>
#include <string>

#include "broker/core/topic_rewrite.hpp"
#include "tests/sim/topics_fixture.hpp"

namespace dunlin::sim {
namespace {

using mqtt::reason;

class RewriteSim : public TopicsSim {
 protected:
  void rules(std::vector<core::rewrite_rule> all) {
    auto r = std::make_shared<core::topic_rewrite>();
    for (const auto& rule : all) EXPECT_FALSE(r->add(rule));
    topics({.rewrite = std::move(r)});
  }
};

TEST_F(RewriteSim, APublishGoesToTheTopicThatTheFirstRuleMakes) {
  start({}, 2);
  rules({{true, true, "x/#", "^x/(\\d+)$", "y/%c/$1"}, {true, true, "x/#", "^x/(.+)$", "z/$1"}});
  client &all = ready("all"), &p = ready("p");
  subscribe(all, "#", 2);
  p.publish("x/1", "a", 1);
  p.publish("x/one", "b", 2);
  p.publish("q", "c", 0);
  world_->run();
  EXPECT_EQ(p.take(), "puback 1; pubrec 2; pubcomp 2");
  std::set<std::string> got;
  for (const auto& r : all.take_packets())
    if (!r.topic.empty()) got.insert(r.topic + "=" + r.payload);
  EXPECT_EQ(got, (std::set<std::string>{"y/p/1=a", "z/one=b", "q=c"}));
}

TEST_F(RewriteSim, SubscriptionsAndTheirEndAreRewrittenAlike) {
  start();
  rules({{false, true, "old/#", "^old/(.*)$", "new/$1"}});
  client &s = ready("s"), &p = ready("p");
  s.subscribe({{"old/+", {.qos = 1}}, {"$share/g/old/1", {.qos = 0}}});
  world_->run();
  EXPECT_EQ(s.take(), "suback 01 00");
  p.publish("new/1", "x", 1);
  p.publish("old/1", "y", 1);
  world_->run();
  EXPECT_EQ(s.payloads(), "x x");
  s.unsubscribe("old/+");
  s.unsubscribe("$share/g/old/1");
  s.unsubscribe("old/never");
  world_->run();
  EXPECT_EQ(s.take(), "unsuback 11; unsuback 00; unsuback 00");
  EXPECT_EQ(count(&metrics::counters::subscriptions), 0u);
}

TEST_F(RewriteSim, ASubscriptionOfBeforeTheRulesCanBeEnded) {
  start();
  client& s = ready("s");
  subscribe(s, "old/1");
  rules({{true, true, "old/#", "^old/(.*)$", "new/$1"}});
  s.unsubscribe("old/1");
  world_->run();
  EXPECT_EQ(s.take(), "unsuback 00");
}

TEST_F(RewriteSim, WhatWouldBecomeNoTopicIsRefusedAndCounted) {
  start();
  rules({{true, true, "me/#", "^me/(.*)$", "c/%c/$1"}});
  client &bad = ready("a+/b"), &old = ready("#", {}, v311), &good = ready("good");
  bad.publish("me/x", "1", 1);
  bad.publish("me/x", "2", 0);
  world_->run();
  bad.subscribe("me/x", 1);
  world_->run();
  EXPECT_EQ(bad.take(), "puback 1 90; suback 8F");
  old.publish("me/x", "3", 1);
  world_->run();
  old.subscribe("me/x", 1);
  world_->run();
  EXPECT_EQ(old.take(), "puback 1; suback 80");
  EXPECT_EQ(count(&metrics::counters::refused), 3u);
  subscribe(good, "c/good/x");
  good.publish("me/x", "4", 1);
  world_->run();
  EXPECT_EQ(good.payloads(), "4");
}

TEST_F(RewriteSim, AWillIsAPublishToo) {
  start();
  rules({{true, true, "w/#", "^w/(.*)$", "gone/%c/$1"}});
  client &s = ready("s"),
         &w = ready("w", {.will = mqtt::will_message{.topic = "w/1", .payload = "dead"}});
  subscribe(s, "gone/#");
  w.lose();
  world_->run();
  EXPECT_EQ(s.take(), "gone/w/1=dead q0");
}

TEST_F(RewriteSim, RulesChangeAtRunTime) {
  start();
  client &s = ready("s"), &p = ready("p");
  subscribe(s, "#", 0);
  rules({{true, true, "a", "^a$", "b"}});
  p.publish("a", "1");
  world_->run();
  topics({});
  p.publish("a", "2");
  world_->run();
  EXPECT_EQ(s.take(), "b=1 q0; a=2 q0");
}

// -- auto-subscribe -----------------------------------------------------------

TEST_F(RewriteSim, ANewSessionGetsItsSubscriptionsAndAResumedOneKeepsThem) {
  start({}, 2);
  topics({.auto_subscribe = {{core::topic_pattern("c/%c/cmd", 0), {.qos = 1}},
                             {core::topic_pattern("all", 0), {.qos = 0, .no_local = true}}}});
  client& p = ready("p");
  p.publish("c/dev/cmd", "kept", 1, true);
  client& d = world_->make_client("dev");
  world_->connect(d, persistent());
  EXPECT_EQ(d.take(), "connack 00; c/dev/cmd=kept q1 retain");
  p.publish("c/dev/cmd", "1", 1);
  p.publish("all", "2", 1);
  d.publish("all", "its own", 0);
  world_->run();
  auto got = d.payloads();
  EXPECT_TRUE(got == "1 2" || got == "2 1") << got;
  d.lose();
  world_->run();
  p.publish("c/dev/cmd", "offline", 1);
  world_->run();
  world_->connect(d, persistent());
  EXPECT_EQ(d.take(), "connack 00 present; c/dev/cmd=offline q1") << "the retained one came once";
}

TEST_F(RewriteSim, AClientIdThatWouldWidenTheFilterGetsNone) {
  start();
  topics({.auto_subscribe = {{core::topic_pattern("c/%c/cmd", 0), {.qos = 1}},
                             {core::topic_pattern("u/%u", 0), {.qos = 1}}}});
  for (const char* id : {"+", "#", "a/b", "x+"}) ready(id);
  EXPECT_EQ(count(&metrics::counters::subscriptions), 0u);
  ready("good");
  EXPECT_EQ(count(&metrics::counters::subscriptions), 1u) << "it has no user name";
}

}  // namespace
}  // namespace dunlin::sim
