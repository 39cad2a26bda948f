// A storm of retained messages: everything arrives, in bounded memory, while others go on.
#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "tests/sim/topics_fixture.hpp"

namespace dunlin::sim {
namespace {

using metrics::drop_reason;
using mqtt::packet_type;

class RetainedSim : public TopicsSim {
 protected:
  world& with(int messages, options limits = {}, size_t reactors = 1) {
    world& w = start(limits, reactors);
    client& p = ready("filler");
    for (int i = 0; i < messages; ++i) {
      p.publish("r" + std::to_string(i % 50) + "/" + std::to_string(i), std::string(20, 'x'), 1,
                true);
      if (i % 1000 == 999) w.run();
    }
    w.run();
    return w;
  }
  size_t publishes(client& c) {
    size_t n = 0;
    for (const auto& r : c.take_packets()) n += r.type == packet_type::publish;
    return n;
  }
};

TEST_F(RetainedSim, EveryMatchArrivesWhateverTheQueuesHold) {
  options limits;
  limits.queue_messages_max = 50;
  limits.output_high_bytes = 4000;
  limits.output_low_bytes = 1000;
  limits.mailbox_messages_max = 100;
  with(20'000, limits, 2);
  for (uint8_t qos : {0, 1}) {
    client& s = ready("s" + std::to_string(qos), {.receive_max = uint16_t{10}});
    s.subscribe("#", qos);
    world_->run();
    EXPECT_EQ(publishes(s), 20'000u) << "qos " << int{qos};
  }
  EXPECT_EQ(world_->dropped(drop_reason::queue_full), 0u);
  EXPECT_EQ(world_->dropped(drop_reason::slow_subscriber), 0u);
}

// What is published right after a subscription is not there twice, as it comes and as retained.
TEST_F(RetainedSim, WhatFollowsASubscriptionComesOnce) {
  with(2'000);
  client& p = ready("p");
  for (const char* filter : {"one", "one/#", "#"}) {
    client& s = ready(std::string("s") + filter[0] + std::to_string(std::string(filter).size()));
    s.subscribe({{"none/+", {1}}, {filter, {1}}});
    p.publish("one", "x", 1, true);
    p.publish("one", "y", 1, true);
    world_->run();
    EXPECT_EQ(publishes(s), filter[0] == '#' ? 2'002u : 2u) << filter;
    p.publish("one", "", 1, true);
    world_->run();
    EXPECT_EQ(publishes(s), 1u);
    s.unsubscribe(filter);
    world_->run();
    s.take_packets();
  }
}

TEST_F(RetainedSim, WhatComesInMidStormComesOnce) {
  with(20'000);
  client &s = ready("s"), &p = ready("p");
  s.subscribe("#", 0);
  for (int turn = 0; turn < 4; ++turn) world_->turn(0);
  const size_t before = (s.poll(), publishes(s));
  for (int i = 0; i < 19'800; i += 99)  // 200, of every parent topic
    p.publish("r" + std::to_string(i % 50) + "/" + std::to_string(i), "new", 1, true);
  world_->run();
  const size_t all = before + publishes(s);
  EXPECT_LT(before, 20'000u);
  EXPECT_LT(all, 20'200u) << "topics that had not been reached are sent once";
  EXPECT_GE(all, 20'000u);
}

TEST_F(RetainedSim, AClientThatReadsNothingHoldsAPageAndLosesNothing) {
  with(20'000, {}, 1);
  client& s = ready("s");
  s.connection().block();
  s.subscribe("#", 0);
  world_->run();
  world_->advance(5000);  // for longer than it takes to be slow
  EXPECT_LT(s.connection().unsent(), 600'000u);
  const auto held = s.connection().unsent();
  world_->advance(5000);
  EXPECT_EQ(s.connection().unsent(), held);
  s.connection().unblock();
  world_->run();
  EXPECT_EQ(publishes(s), 20'000u);
  EXPECT_EQ(world_->dropped(drop_reason::slow_subscriber), 0u);
}

TEST_F(RetainedSim, OthersGoOnMeanwhile) {
  with(30'000);
  client &s = ready("s"), &p = ready("p"), &q = ready("q");
  subscribe(q, "live", 1);
  s.subscribe("#", 0);
  size_t turns_max = 0, rounds = 0;
  for (size_t got = 0; got < 30'000 && rounds < 10'000; ++rounds) {
    p.publish("live", std::to_string(rounds), 1);
    size_t turns = 0;
    for (; q.payloads().empty() && turns < 1000; ++turns) {
      world_->turn(0);
      q.poll();
    }
    turns_max = std::max(turns_max, turns);
    s.poll();
    got += publishes(s);
  }
  EXPECT_LE(turns_max, 6u) << "a message passes within a few turns of the reactor";
  EXPECT_GT(rounds, 5u) << "and the storm was not over before";
}

TEST_F(RetainedSim, SeveralSubscribersShareTheWork) {
  with(20'000);
  client &a = ready("a"), &b = ready("b");
  a.subscribe("#", 0), b.subscribe("#", 0);
  size_t of_a = 0, of_b = 0, furthest = 0;
  for (int i = 0; i < 100'000 && of_a + of_b < 40'000; ++i) {
    world_->turn(0);
    a.poll(), b.poll();
    of_a += publishes(a), of_b += publishes(b);
    furthest = std::max(furthest, of_a > of_b ? of_a - of_b : of_b - of_a);
  }
  EXPECT_EQ(of_a, 20'000u);
  EXPECT_EQ(of_b, 20'000u);
  EXPECT_LE(furthest, 2048u);
}

TEST_F(RetainedSim, ManySubscriptionsOfOneClientDoNotAddUpInMemory) {
  with(5'000);
  client& s = ready("s");
  s.connection().block();
  for (int i = 0; i < 50; ++i) s.subscribe("r" + std::to_string(i) + "/+", 0);
  world_->run();
  s.subscribe("#", 0);
  world_->run();
  EXPECT_LT(s.connection().unsent(), 600'000u);
  s.connection().unblock();
  world_->run();
  EXPECT_EQ(publishes(s), 10'000u);
}

TEST_F(RetainedSim, TheRestComesWhenTheClientIsBack) {
  options limits;
  limits.output_high_bytes = 4000;
  limits.output_low_bytes = 1000;
  with(10'000, limits);
  client& s = ready("s", persistent());
  s.connection().block();
  s.subscribe("#", 1);
  world_->run();
  s.lose();
  world_->run();
  std::set<std::string> got;
  world_->connect(s, persistent());
  for (const auto& r : s.take_packets())
    if (r.type == packet_type::publish) {
      got.insert(r.topic);
      ASSERT_TRUE(r.retain);
    }
  EXPECT_EQ(got.size(), 10'000u);
}

TEST_F(RetainedSim, UnsubscribingStopsIt) {
  with(10'000);
  client& s = ready("s");
  s.subscribe("#", 0);
  s.unsubscribe("#");
  world_->run();
  EXPECT_LT(publishes(s), 3000u);
  client& gone = ready("gone");
  gone.subscribe("#", 1);
  gone.lose();
  world_->run();
  client& again = ready("gone");
  again.subscribe("r1/+", 1);
  world_->run();
  EXPECT_EQ(publishes(again), 200u);
}

TEST_F(RetainedSim, WhatIsPublishedMeanwhileComesBehindWhatItReplaces) {
  with(5'000);
  client &s = ready("s"), &p = ready("p");
  s.subscribe("#", 1);
  for (int i = 0; i < 300; ++i) {
    p.publish("r" + std::to_string(i % 50) + "/" + std::to_string(i), "new", 1, true);
    world_->turn(0);
    s.poll();
  }
  world_->run();
  std::map<std::string, std::string> last;
  for (const auto& r : s.take_packets())
    if (r.type == packet_type::publish) last[r.topic] = r.payload;
  EXPECT_EQ(last.size(), 5'000u);
  for (int i = 0; i < 300; ++i)
    ASSERT_EQ(last["r" + std::to_string(i % 50) + "/" + std::to_string(i)], "new");
}

}  // namespace
}  // namespace dunlin::sim
