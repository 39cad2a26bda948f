// Topic aliases towards a client: the table by itself, and a client that must always know the topic
// of what it gets, whatever is sent, does not fit, or is sent again.
#include "broker/core/alias_table.hpp"

#include <map>
#include <set>

#include "tests/core/outgoing_fixture.hpp"

namespace dunlin::core {
namespace {

TEST(AliasTable, TheSecondUseSetsIt_TheThirdKnowsIt) {
  alias_table t(2);
  EXPECT_EQ(t.use("topic").alias, 0);
  const auto second = t.use("topic"), third = t.use("topic");
  EXPECT_EQ(second.alias, 1);
  EXPECT_FALSE(second.known);
  EXPECT_EQ(third.alias, 1);
  EXPECT_TRUE(third.known);
}

TEST(AliasTable, NoneForATopicThatIsNotLongerThanTheAlias) {
  alias_table t(2);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(t.use("abc").alias, 0);
}

TEST(AliasTable, TheLeastRecentlyUsedGivesWay) {
  alias_table t(2);
  for (const char* topic : {"aaaa", "aaaa", "bbbb", "bbbb", "aaaa", "cccc"}) t.use(topic);
  const auto c = t.use("cccc");
  EXPECT_EQ(c.alias, 2) << "b's";
  EXPECT_FALSE(c.known);
  EXPECT_TRUE(t.use("aaaa").known);
  EXPECT_FALSE(t.use("bbbb").known);
}

TEST(AliasTable, WhatIsTakenBackIsNotKnown) {
  alias_table t(2);
  t.use("topic");
  t.take_back(t.use("topic").alias);
  EXPECT_FALSE(t.use("topic").known);
  EXPECT_TRUE(t.use("topic").known);
}

class AliasedOutgoing : public ::testing::Test {
 protected:
  // Reads what was sent as a client does; every message says its topic in its payload.
  void read() {
    std::string_view rest = out_;
    while (!rest.empty()) {
      const auto result = mqtt::next_frame(rest, ~0u);
      const auto* f = std::get_if<mqtt::frame>(&result);
      ASSERT_TRUE(f);
      ASSERT_LE(f->size, packet_max_);
      rest.remove_prefix(f->size);
      if (f->type != packet_type::publish) continue;
      const auto d = mqtt::decode_publish(*f, version::v5);
      const auto* p = std::get_if<mqtt::publish>(&d);
      ASSERT_TRUE(p);
      std::string topic(p->topic);
      if (const auto alias = p->props.topic_alias) {
        ASSERT_GE(*alias, 1);
        ASSERT_LE(*alias, max_);
        if (topic.empty()) {
          topic = known_[*alias];
          ++saved_;
        }
        known_[*alias] = topic;
      }
      ASSERT_EQ(p->payload.substr(0, p->payload.find(' ')), topic);
      if (p->qos) in_flight_.insert(p->packet_id);
    }
    out_.clear();
  }
  void connect(fakes::seeded_random& random) {
    q_.disconnect();
    out_.clear();
    known_.clear();
    in_flight_.clear();
    max_ = static_cast<uint16_t>(random.below(6));
    packet_max_ = random.one_in(2) ? ~0u : static_cast<uint32_t>(30 + random.below(60));
    q_.connect({version::v5, static_cast<uint16_t>(1 + random.below(20)), packet_max_, max_}, 1000,
               out_, t_);
    q_.pump(1000, out_, no_limit, t_);
    read();
  }

  outgoing::limits limits_;
  outgoing q_{limits_};
  std::string out_;
  tally t_;
  std::map<uint16_t, std::string> known_;
  std::set<uint16_t> in_flight_;
  uint16_t max_ = 0;
  uint32_t packet_max_ = ~0u;
  size_t saved_ = 0;
};

TEST_F(AliasedOutgoing, AClientAlwaysKnowsTheTopic) {
  fakes::seeded_random random;
  SCOPED_TRACE(random.name());
  connect(random);
  for (int step = 0; step < 20'000 && !HasFailure(); ++step) {
    if (random.one_in(200)) connect(random);
    if (!in_flight_.empty() && random.one_in(2)) {
      const uint16_t id = *in_flight_.begin();
      in_flight_.erase(id);
      if (!q_.puback(id, t_)) q_.pubrec(id, reason::unspecified_error, out_, t_);
      q_.pump(1000, out_, no_limit, t_);
    }
    const std::string topic(1 + random.below(12), static_cast<char>('a' + random.below(3)));
    const std::string payload = topic + " " + std::string(random.below(60), 'x');
    const auto qos = static_cast<uint8_t>(random.below(3));
    q_.offer({make_message(topic, payload, qos), {}, qos}, 1000, &out_, true, t_);
    read();
  }
  EXPECT_GT(saved_, 100u);
  EXPECT_GT(t_.too_large, 10u);
  tally end;
  q_.clear(end);
}

}  // namespace
}  // namespace dunlin::core
