#include "tests/core/outgoing_fixture.hpp"

namespace dunlin::core {
namespace {

delivery shared(mqtt::message_ptr m, uint32_t share = 1) {
  delivery d{std::move(m), {}};
  d.qos = d.msg->qos();
  d.share = share;
  return d;
}

TEST_F(OutgoingTest, QoS0IsQueuedForAnOfflineClientWhenAskedFor) {
  limits_.queue_qos0 = true;
  apply_limits();
  offer("a", 0);
  offer("b", 1);
  connect();
  EXPECT_EQ(payloads(), "ab");
  EXPECT_EQ(t_.delivered, 1u);
}

TEST_F(OutgoingTest, ClearDropsAndCountsEverythingThatWaits) {
  connect(2);
  offer("a", 1);
  offer("b", 2);
  offer("c", 1);
  q_.pubrec(2, reason::success, out_, t_);
  tally end;
  q_.clear(end);
  EXPECT_EQ(end.session_ended, 2u);  // a and c; b is the client's
  t_.session_ended += end.session_ended;
  offer("d", 1);
  take();
  EXPECT_TRUE(puback(1)) << "identifiers begin again";
}

TEST_F(OutgoingTest, GivesBackToItsGroupWhatTheClientCannotHaveTaken) {
  connect(5);
  auto share = [&](std::string_view payload, uint8_t qos) {
    give(shared(make_message("t", payload, qos)));
  };
  share("a", 1);
  share("b", 2);  // the client may have it
  share("c", 2);
  offer("d", 1);
  share("e", 1);
  offer("x", 1);  // takes the place of e
  share("f", 2);  // never sent
  offer("g", 1);
  puback(5);
  disconnect();
  connect(1);  // of the flight, this connection has sent a alone
  disconnect();
  std::string back;
  for (const auto& d : q_.take_shared(t_)) back += d.msg->payload();
  EXPECT_EQ(back, "af");
  EXPECT_EQ(t_.given_back, 2u);
  EXPECT_EQ(t_.delivered, 1u);
}

TEST_F(OutgoingTest, GivesBackWhatOneSubscriptionDidNotSend) {
  connect(1);
  give(shared(make_message("t", "sent", 1), 3));
  give(shared(make_message("t", "a", 1), 3));
  give(shared(make_message("t", "b", 1), 5));
  offer("c", 1);
  give(shared(make_message("t", "d", 2), 3));
  std::string back;
  for (const auto& d : q_.take_unsent_shared(3, t_)) back += d.msg->payload();
  EXPECT_EQ(back, "ad");
  EXPECT_EQ(t_.given_back, 2u);
  EXPECT_EQ(q_.queued_messages(), 2u);
  EXPECT_EQ(q_.in_flight(), 1u);
}

TEST_F(OutgoingTest, WhatIsPacedIsNeverTooMuch) {
  const outgoing::limits one{.messages_max = 1};
  outgoing small(one);
  tally t;
  for (const char* payload : {"a", "b"})
    small.offer({make_message("t", payload, 1), {}, 1}, now_ms_, nullptr, false, t);
  EXPECT_EQ(t.queue_full, 1u);
  delivery d{make_message("t", "c", 1), {}, 1};
  d.paced = true;
  small.offer(std::move(d), now_ms_, nullptr, false, t);
  EXPECT_EQ(small.queued_messages(), 2u);
  EXPECT_EQ(t.queue_full, 1u);
}

TEST_F(OutgoingTest, GivesBackWhatWasNeverSent) {
  auto share = [&](std::string_view payload, uint8_t qos) {
    give(shared(make_message("t", payload, qos)));
  };
  share("a", 1);
  offer("b", 2);
  share("c", 2);
  std::string back;
  for (const auto& d : q_.take_shared(t_)) back += d.msg->payload();
  EXPECT_EQ(back, "ac");
  connect();
  EXPECT_EQ(payloads(), "b");
}

TEST_F(OutgoingTest, CarriesRetainFlagAndSubscriptionIdentifiers) {
  connect();
  const std::string ids("\x0B\x05\x0B\x81\x01", 5);
  give({make_message("t", "a"), shared_text(ids), 1, true});
  std::string_view rest = out_;
  const auto result = mqtt::next_frame(rest, ~0u);
  const auto f = std::get<mqtt::frame>(result);
  const auto decoded = mqtt::decode_publish(f, version::v5);
  const auto& p = std::get<mqtt::publish>(decoded);
  EXPECT_TRUE(p.retain);
  EXPECT_EQ(p.props.subscription_identifiers, ids);
}

// The client of the model: acknowledges what it got in any order, is offline at times.
TEST_F(OutgoingTest, DeliversEveryMessageInOrderOverAnyConnections) {
  fakes::seeded_random random;
  SCOPED_TRACE(random.name());
  std::vector<seen_packet> to_ack;
  std::set<std::string> got;
  std::string last_new;  // payloads are numbers of one width
  int offered = 0;
  auto read = [&] {
    for (auto& p : take()) {
      if (p.type == packet_type::publish && got.insert(p.payload).second) {
        ASSERT_GT(p.payload, last_new) << "first deliveries keep their order";
        last_new = p.payload;
      }
      to_ack.push_back(std::move(p));
    }
  };
  for (int step = 0; step < 20'000; ++step) {
    switch (random.below(8)) {
      case 0:
      case 1:
      case 2:
        offer(std::to_string(1'000'000 + offered++), static_cast<uint8_t>(1 + random.below(2)),
              !random.one_in(4));
        break;
      case 3:
        if (random.one_in(20)) {
          disconnect();
          to_ack.clear();
        }
        break;
      case 4:
        if (!online_) connect(static_cast<uint16_t>(1 + random.below(20)));
        break;
      default:
        if (online_ && !to_ack.empty()) {
          const size_t at = random.below(to_ack.size());
          const auto p = to_ack[at];
          to_ack.erase(to_ack.begin() + static_cast<long>(at));
          if (p.type == packet_type::pubrel)
            q_.pubcomp(p.id, t_);
          else if (p.qos == 1)
            q_.puback(p.id, t_);
          else
            q_.pubrec(p.id, reason::success, out_, t_);
          pump();
        }
    }
    read();
    if (HasFatalFailure()) return;
  }
  if (!online_) connect();
  for (read(); !to_ack.empty(); read()) {
    const auto p = to_ack.back();
    to_ack.pop_back();
    if (p.type == packet_type::pubrel)
      ASSERT_TRUE(q_.pubcomp(p.id, t_));
    else if (p.qos == 1)
      q_.puback(p.id, t_);
    else
      q_.pubrec(p.id, reason::success, out_, t_);
    pump();
  }
  EXPECT_EQ(got.size(), static_cast<size_t>(offered));
  EXPECT_EQ(t_.delivered, static_cast<uint64_t>(offered));
  EXPECT_EQ(q_.in_flight(), 0u);
}

}  // namespace
}  // namespace dunlin::core
