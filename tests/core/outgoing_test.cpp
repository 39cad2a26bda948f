#include "tests/core/outgoing_fixture.hpp"

namespace dunlin::core {
namespace {

TEST_F(OutgoingTest, SendsAtOnceWhatTheWindowAllows) {
  connect(2);
  offer("a", 0);
  offer("b", 1);
  offer("c", 2);
  offer("d", 1);
  const auto got = take();
  ASSERT_EQ(got.size(), 3u);
  EXPECT_EQ(got[0].qos, 0);
  EXPECT_EQ(got[0].id, 0);
  EXPECT_EQ(got[1].qos, 1);
  EXPECT_EQ(got[1].id, 1);
  EXPECT_EQ(got[2].qos, 2);
  EXPECT_EQ(got[2].id, 2);
  EXPECT_FALSE(got[1].dup || got[2].dup);
  EXPECT_EQ(q_.queued_messages(), 1u);
  EXPECT_EQ(t_.sent[0], 1u);
  EXPECT_EQ(t_.sent[1], 1u);
  EXPECT_EQ(t_.sent[2], 1u);
}

TEST_F(OutgoingTest, AnAcknowledgementMakesRoomForTheNextInOrder) {
  connect(2);
  for (const char* p : {"a", "b", "c", "d", "e"}) offer(p, 1);
  EXPECT_EQ(payloads(), "ab");
  EXPECT_TRUE(puback(1));
  EXPECT_EQ(payloads(), "c");
  EXPECT_TRUE(puback(2));
  EXPECT_TRUE(puback(3));
  EXPECT_EQ(payloads(), "de");
  EXPECT_EQ(t_.delivered, 3u);
}

TEST_F(OutgoingTest, AcknowledgementsMayComeInAnyOrder) {
  connect();
  for (const char* p : {"a", "b", "c"}) offer(p, 1);
  EXPECT_TRUE(puback(3));
  EXPECT_TRUE(puback(1));
  EXPECT_FALSE(puback(1));
  EXPECT_FALSE(puback(3));
  EXPECT_TRUE(puback(2));
  EXPECT_EQ(q_.in_flight(), 0u);
  EXPECT_EQ(t_.delivered, 3u);
}

TEST_F(OutgoingTest, AMessageThatIsNotAcknowledgedTakesOnePlaceInTheWindow) {
  connect(3);
  for (const char* p : {"a", "b", "c", "d", "e", "f", "g"}) offer(p, 1);
  EXPECT_EQ(payloads(), "abc");
  EXPECT_TRUE(puback(2));
  EXPECT_EQ(payloads(), "d");
  EXPECT_TRUE(puback(4));
  EXPECT_TRUE(puback(3));
  EXPECT_EQ(payloads(), "ef");
  EXPECT_EQ(q_.in_flight(), 3u);
  EXPECT_TRUE(q_.window_full());
  // On the next connection what was acknowledged is not sent again, nor does it take a place.
  disconnect();
  connect(2);
  EXPECT_EQ(payloads(), "ae");
  EXPECT_TRUE(puback(5));
  EXPECT_EQ(payloads(), "f");
  EXPECT_TRUE(puback(1));
  EXPECT_EQ(payloads(), "g");
  EXPECT_TRUE(puback(6));
  EXPECT_TRUE(puback(7));
  EXPECT_EQ(q_.in_flight(), 0u);
  EXPECT_EQ(t_.delivered, 7u);
}

TEST_F(OutgoingTest, AnUnfinishedExchangeHoldsUpNothingUntilItsIdentifierComesRound) {
  connect(2);
  offer("stuck", 2);
  EXPECT_EQ(take().at(0).id, 1);
  q_.pubrec(1, reason::success, out_, t_);
  take();
  for (uint32_t id = 2; id <= 65'535; ++id) {
    offer("x", 1);
    const auto sent = take();
    ASSERT_EQ(sent.size(), 1u) << "at " << id;
    ASSERT_EQ(sent[0].id, id);
    ASSERT_TRUE(puback(static_cast<uint16_t>(id)));
  }
  offer("y", 1);
  EXPECT_EQ(payloads(), "") << "every other identifier has been used";
  EXPECT_TRUE(q_.pubcomp(1, t_));
  pump();
  EXPECT_EQ(take().at(0).id, 1);
  EXPECT_TRUE(puback(1));
}

TEST_F(OutgoingTest, UnknownAcknowledgementsChangeNothing) {
  connect();
  offer("a", 1);
  offer("b", 2);
  EXPECT_FALSE(puback(0));
  EXPECT_FALSE(puback(9));
  EXPECT_FALSE(puback(65'535));
  EXPECT_FALSE(puback(2)) << "a PUBACK does not end QoS 2";
  EXPECT_FALSE(q_.pubcomp(2, t_)) << "PUBCOMP before PUBREC";
  take();
  EXPECT_FALSE(q_.pubrec(1, reason::success, out_, t_)) << "a PUBREC does not end QoS 1";
  EXPECT_FALSE(q_.pubrec(77, reason::success, out_, t_));
  for (const auto& p : take()) EXPECT_EQ(p.code, reason::packet_identifier_not_found);
  EXPECT_EQ(t_.delivered, 0u);
}

TEST_F(OutgoingTest, QoS2GoesThroughItsFourSteps) {
  connect();
  offer("a", 2);
  take();
  EXPECT_TRUE(q_.pubrec(1, reason::success, out_, t_));
  auto got = take();
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].type, packet_type::pubrel);
  EXPECT_EQ(got[0].id, 1);
  EXPECT_EQ(t_.delivered, 1u);
  EXPECT_EQ(q_.in_flight(), 1u);
  EXPECT_TRUE(q_.pubrec(1, reason::success, out_, t_)) << "PUBREC again: PUBREL again";
  EXPECT_EQ(take().size(), 1u);
  EXPECT_TRUE(q_.pubcomp(1, t_));
  EXPECT_EQ(q_.in_flight(), 0u);
  EXPECT_EQ(t_.delivered, 1u);
}

TEST_F(OutgoingTest, ARefusalByPubrecEndsTheExchange) {
  connect(1);
  offer("a", 2);
  offer("b", 2);
  take();
  EXPECT_TRUE(q_.pubrec(1, reason::quota_exceeded, out_, t_));
  pump();
  EXPECT_EQ(payloads(), "b");
  EXPECT_EQ(t_.refused, 1u);
}

TEST_F(OutgoingTest, ARefusalAfterPubrecCountsTheCopyOnce) {
  connect();
  offer("a", 2);
  EXPECT_TRUE(q_.pubrec(1, reason::success, out_, t_));
  q_.pubrec(1, reason::quota_exceeded, out_, t_);
  EXPECT_EQ(t_.delivered + t_.refused, 1u);
}

TEST_F(OutgoingTest, ResendsInOrderWithDupAfterReconnect) {
  connect();
  offer("a", 1);
  offer("b", 2);
  offer("c", 1);
  offer("d", 2);
  puback(3);
  q_.pubrec(2, reason::success, out_, t_);
  disconnect();
  connect();
  const auto got = take();
  ASSERT_EQ(got.size(), 3u);
  EXPECT_EQ(got[0].payload, "a");
  EXPECT_TRUE(got[0].dup);
  EXPECT_EQ(got[0].id, 1);
  EXPECT_EQ(got[1].type, packet_type::pubrel);
  EXPECT_EQ(got[1].id, 2);
  EXPECT_EQ(got[2].payload, "d");
  EXPECT_TRUE(got[2].dup);
  EXPECT_EQ(got[2].id, 4);
  EXPECT_TRUE(q_.pubcomp(2, t_));
  EXPECT_TRUE(puback(1));
}

TEST_F(OutgoingTest, WhatComesWhileOfflineFollowsWhatWasInFlight) {
  connect();
  offer("a", 1);
  disconnect();
  offer("b", 1);
  offer("c", 2);
  offer("x", 0);
  EXPECT_EQ(t_.not_connected, 1u);
  connect();
  const auto got = take();
  ASSERT_EQ(got.size(), 3u);
  EXPECT_EQ(got[0].payload + got[1].payload + got[2].payload, "abc");
  EXPECT_TRUE(got[0].dup);
  EXPECT_FALSE(got[1].dup || got[2].dup);
}

TEST_F(OutgoingTest, AnAcknowledgementOfBeforeTheReconnectIsNotMistaken) {
  connect(4);
  for (const char* p : {"a", "b", "c", "d"}) offer(p, 1);
  disconnect();
  connect(2);
  EXPECT_EQ(payloads(), "ab");
  EXPECT_FALSE(puback(3)) << "not sent on this connection";
  EXPECT_TRUE(puback(1));
  EXPECT_EQ(payloads(), "c");
}

TEST_F(OutgoingTest, ASmallerWindowHoldsTheRestOfTheFlightBack) {
  connect(5);
  for (const char* p : {"a", "b", "c", "d", "e", "f"}) offer(p, 1);
  EXPECT_EQ(payloads(), "abcde");
  disconnect();
  connect(2);
  auto got = take();
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(got[1].id, 2);
  offer("g", 1);
  EXPECT_TRUE(take().empty());
  std::string rest;
  for (uint16_t id = 1; id <= 7; ++id) {
    EXPECT_TRUE(puback(id)) << id;
    for (const auto& p : take()) {
      rest += p.payload;
      EXPECT_EQ(p.dup, p.id <= 5) << p.id;
    }
  }
  EXPECT_EQ(rest, "cdefg");
  EXPECT_EQ(t_.delivered, 7u);
}

TEST_F(OutgoingTest, IdentifiersWrapAndNoneIsUsedTwiceAtOnce) {
  connect(3);
  std::deque<uint16_t> flying;
  uint32_t seen = 0;
  for (uint32_t n = 0; n < 70'000; ++n) {
    offer("x", 1);
    for (const auto& p : take()) {
      ASSERT_EQ(p.id, seen % 65'535 + 1);
      ++seen;
      flying.push_back(p.id);
    }
    if (flying.size() == 3) {
      ASSERT_TRUE(puback(flying.front()));
      flying.pop_front();
    }
  }
  EXPECT_EQ(q_.queued_messages(), 0u);
}

TEST_F(OutgoingTest, TheWholeRangeOfIdentifiersMayBeInFlight) {
  connect(65'535);
  for (uint32_t n = 0; n < 65'536; ++n) offer("x", 1);
  EXPECT_EQ(q_.in_flight(), 65'535u);
  EXPECT_EQ(q_.queued_messages(), 1u);
  take();
  EXPECT_TRUE(puback(65'535));
  EXPECT_TRUE(take().empty());
  EXPECT_TRUE(puback(1));
  const auto got = take();
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].id, 1);
}

TEST_F(OutgoingTest, ExpiredMessagesAreNotSent) {
  connect(1);
  offer("a", 1);
  give({make_expiring("t", "b", 1, 2, now_ms_), {}, 1, false});
  give({make_expiring("t", "c", 1, 100, now_ms_), {}, 1, false});
  take();
  now_ms_ += 2'500;
  give({make_expiring("t", "d", 0, 2, 1000), {}, 0, false});
  puback(1);
  const auto got = take();
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].payload, "c");
  EXPECT_EQ(got[0].expiry_s, 98u);  // of 100, rounded up
  EXPECT_EQ(t_.expired, 2u);
}

TEST_F(OutgoingTest, AFullQueueDropsTheNewOne) {
  limits_.messages_max = 2;
  apply_limits();
  offer("a", 1);
  offer("b", 1);
  offer("c", 1);
  EXPECT_EQ(t_.queue_full, 1u);
  connect();
  EXPECT_EQ(payloads(), "ab");
}

TEST_F(OutgoingTest, BytesBoundTheQueueToo) {
  const uint64_t one = make_message("t", "12345")->footprint();
  limits_.bytes_max = 2 * one;
  apply_limits();
  offer("12345", 1);
  offer("12345", 1);
  EXPECT_EQ(q_.queued_bytes(), 2 * one);
  offer("1", 1);
  EXPECT_EQ(t_.queue_full, 1u);
  connect();
  EXPECT_EQ(q_.queued_bytes(), 0u);
}

TEST_F(OutgoingTest, WithoutRoomQoS0IsDroppedAndTheRestQueued) {
  connect();
  offer("a", 0, false);
  offer("b", 1, false);
  offer("c", 1, true);  // behind b
  EXPECT_TRUE(take().empty());
  EXPECT_EQ(t_.slow_subscriber, 1u);
  EXPECT_TRUE(q_.has_sendable());
  pump();
  EXPECT_EQ(payloads(), "bc");
}

TEST_F(OutgoingTest, PumpStopsWhenTheOutputIsFull) {
  for (int i = 0; i < 10; ++i) offer(std::string(100, 'x'), 1);
  q_.connect({ver_, 100, ~0u}, now_ms_, out_, t_);
  q_.pump(now_ms_, out_, 250, t_);
  EXPECT_EQ(take().size(), 3u);
  EXPECT_TRUE(q_.has_sendable());
  pump();
  EXPECT_EQ(take().size(), 7u);
  EXPECT_FALSE(q_.has_sendable());
}

TEST_F(OutgoingTest, NothingOverTheClientsPacketSizeIsSent) {
  limits_.queue_qos0 = true;
  apply_limits();
  const std::string big(100, 'x');
  offer(big, 0);  // these wait in the queue
  offer(big, 1);
  offer("a", 1);
  offer(big, 1);
  connect(10, 50);
  offer(big, 0);
  offer(big, 1);
  offer("b", 0);
  offer("c", 2);
  for (const auto& p : take()) EXPECT_LT(p.payload.size(), 50u);
  EXPECT_EQ(t_.too_large, 5u);
  EXPECT_EQ(q_.in_flight(), 2u)
      << "a and c; between them are the places of two that were too large";
}

TEST_F(OutgoingTest, WhatIsInFlightMayBeTooLargeForTheNextConnection) {
  connect();
  offer("a", 1);
  offer(std::string(100, 'x'), 1);
  offer("c", 1);
  disconnect();
  connect(10, 50);
  EXPECT_EQ(payloads(), "ac");
  EXPECT_EQ(t_.too_large, 1u);
  EXPECT_TRUE(puback(1));
  EXPECT_TRUE(puback(3));
  EXPECT_EQ(q_.in_flight(), 0u);
}

}  // namespace
}  // namespace dunlin::core
