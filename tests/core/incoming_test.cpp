#include "broker/core/incoming.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "tests/core/packets.hpp"
#include "tests/fakes/random.hpp"

namespace dunlin::core {
namespace {

using mqtt::packet_type;
using mqtt::reason;
using mqtt::version;
using seen = incoming::seen;

class IncomingTest : public ::testing::Test {
 protected:
  // One read with publishes of these identifiers, all of one QoS.
  uint32_t read(std::vector<uint16_t> ids, uint8_t qos, uint32_t batches) {
    in_.begin_read();
    for (uint16_t id : ids) in_.add(id, qos);
    return in_.end_read(batches);
  }
  uint32_t answer_read(uint16_t id, uint8_t qos, reason code) {
    in_.begin_read();
    in_.add_answer(id, qos, code);
    return in_.end_read(0);
  }
  // "1 2! r3": PUBACK 1, PUBACK 2 with an error, PUBREC 3.
  std::string drain() {
    std::string out;
    stopped_ = in_.drain(ver_, out, &pubacks_, &pubrecs_);
    std::string text;
    for (const auto& p : packets_of(out, ver_)) {
      if (!text.empty()) text += " ";
      if (p.type == packet_type::pubrec) text += "r";
      text += std::to_string(p.id);
      if (static_cast<uint8_t>(p.code) >= 0x80) text += "!";
    }
    return text;
  }

  version ver_ = version::v5;
  incoming in_;
  uint64_t pubacks_ = 0, pubrecs_ = 0;
  reason stopped_ = reason::success;
};

TEST_F(IncomingTest, AcknowledgesWhenEveryBatchIsAnswered) {
  const uint32_t r = read({1, 2}, 1, 2);
  EXPECT_EQ(drain(), "");
  in_.answered(r, {});
  EXPECT_EQ(drain(), "");
  EXPECT_EQ(in_.unacknowledged(), 2u);
  in_.answered(r, {});
  EXPECT_EQ(drain(), "1 2");
  EXPECT_EQ(drain(), "");
  EXPECT_EQ(pubacks_, 2u);
  EXPECT_EQ(in_.unacknowledged(), 0u);
  EXPECT_EQ(in_.waiting(), 0u);
}

TEST_F(IncomingTest, ALaterReadWaitsForTheEarlierOne) {
  const uint32_t first = read({1}, 1, 1);
  const uint32_t second = read({2}, 2, 1);
  const uint32_t third = read({3}, 1, 0);
  EXPECT_EQ(third, in_.next_read() - 1);
  in_.answered(second, {});
  EXPECT_EQ(drain(), "");
  in_.answered(first, {});
  EXPECT_EQ(drain(), "1 r2 3");
}

TEST_F(IncomingTest, RefusalsGoToTheirSlots) {
  const uint32_t first = read({1, 2, 3}, 1, 2);
  const uint32_t second = read({4, 5}, 2, 1);
  in_.answered(second, {{1, reason::quota_exceeded}});
  in_.answered(first, {{2, reason::quota_exceeded}});
  in_.answered(first, {{0, reason::no_matching_subscribers}, {99, reason::quota_exceeded}});
  EXPECT_EQ(drain(), "1 2 3! r4 r5!");
}

TEST_F(IncomingTest, ARefusedQoS2IdentifierIsFreeAgain) {
  const uint32_t r = read({7}, 2, 1);
  in_.answered(r, {{0, reason::quota_exceeded}});
  EXPECT_EQ(drain(), "r7!");
  EXPECT_EQ(in_.check_qos2(7), seen::no);
  EXPECT_EQ(in_.unacknowledged(), 0u);
  EXPECT_FALSE(in_.release(7));
}

TEST_F(IncomingTest, AQoS2DuplicateBeforeTheAnswerIsAnsweredOnce) {
  EXPECT_EQ(in_.check_qos2(7), seen::no);
  const uint32_t r = read({7}, 2, 1);
  EXPECT_EQ(in_.check_qos2(7), seen::wait);
  in_.answered(r, {});
  EXPECT_EQ(drain(), "r7");
  EXPECT_EQ(drain(), "");
}

TEST_F(IncomingTest, AQoS2DuplicateAfterTheAnswerIsAnsweredAgain) {
  in_.answered(read({7}, 2, 1), {});
  EXPECT_EQ(drain(), "r7");
  EXPECT_EQ(in_.check_qos2(7), seen::answer);
  answer_read(7, 2, reason::success);
  EXPECT_EQ(drain(), "r7");
  EXPECT_TRUE(in_.release(7));
  EXPECT_FALSE(in_.release(7));
  EXPECT_EQ(in_.check_qos2(7), seen::no);
}

TEST_F(IncomingTest, AfterADisconnectNothingIsAnsweredButQoS2StaysKnown) {
  const uint32_t r = read({1}, 1, 1);
  const uint32_t s = read({7}, 2, 1);
  in_.disconnect();
  in_.answered(r, {});
  in_.answered(s, {});
  EXPECT_EQ(drain(), "");
  EXPECT_EQ(in_.check_qos2(7), seen::answer);
  EXPECT_EQ(in_.check_qos2(1), seen::no);
}

TEST_F(IncomingTest, AResendThatStillWaitsIsAnsweredWithTheFirst) {
  const uint32_t r = read({7}, 2, 1);
  in_.disconnect();
  EXPECT_EQ(in_.check_qos2(7), seen::wait);
  const uint32_t s = read({8}, 2, 1);
  EXPECT_EQ(drain(), "");
  in_.answered(s, {});
  in_.answered(r, {});
  EXPECT_EQ(drain(), "r7 r8") << "in the order in which they came [MQTT-4.6.0-3]";
  EXPECT_EQ(pubrecs_, 2u);
  EXPECT_TRUE(in_.release(7));
  EXPECT_TRUE(in_.release(8));
}

TEST_F(IncomingTest, AResendWhoseFirstIsRefusedIsRefused) {
  const uint32_t r = read({7}, 2, 1);
  in_.disconnect();
  EXPECT_EQ(in_.check_qos2(7), seen::wait);
  in_.answered(r, {{0, reason::quota_exceeded}});
  EXPECT_EQ(drain(), "r7!");
  EXPECT_EQ(in_.check_qos2(7), seen::no);
}

TEST_F(IncomingTest, AResendOf3xWhoseFirstIsRefusedStopsTheDrain) {
  ver_ = version::v311;
  const uint32_t r = read({7}, 2, 1);
  in_.disconnect();
  EXPECT_EQ(in_.check_qos2(7), seen::wait);
  in_.answered(r, {{0, reason::quota_exceeded}});
  EXPECT_EQ(drain(), "");
  EXPECT_EQ(stopped_, reason::quota_exceeded);
}

TEST_F(IncomingTest, AResendOfALostConnectionIsNotAnsweredOnTheNext) {
  const uint32_t r = read({7}, 2, 1);
  in_.disconnect();
  EXPECT_EQ(in_.check_qos2(7), seen::wait);
  in_.disconnect();
  in_.answered(r, {});
  EXPECT_EQ(drain(), "") << "nobody has asked on this connection";
  EXPECT_EQ(in_.check_qos2(7), seen::answer);
}

TEST_F(IncomingTest, ARefusalIn3xStopsTheDrain) {
  ver_ = version::v311;
  const uint32_t r = read({1, 2, 3}, 1, 1);
  in_.answered(r, {{1, reason::quota_exceeded}});
  EXPECT_EQ(drain(), "1");
  EXPECT_EQ(stopped_, reason::quota_exceeded);
  in_.disconnect();
  EXPECT_EQ(drain(), "");
  EXPECT_EQ(stopped_, reason::success);
  EXPECT_EQ(in_.waiting(), 0u);
  in_.answered(read({4}, 1, 1), {});
  EXPECT_EQ(drain(), "4");
}

TEST_F(IncomingTest, ReceiveMaximumCountsFromPublishToPubackOrPubcomp) {
  const uint32_t a = read({1, 2}, 1, 1);
  const uint32_t b = read({3}, 2, 1);
  EXPECT_EQ(in_.unacknowledged(), 3u);
  in_.answered(a, {});
  in_.answered(b, {});
  drain();
  EXPECT_EQ(in_.unacknowledged(), 1u) << "a QoS 2 message counts until it is released";
  EXPECT_EQ(in_.check_qos2(3), seen::answer);
  answer_read(3, 2, reason::success);
  EXPECT_EQ(in_.unacknowledged(), 1u) << "sent again, it is still one";
  drain();
  in_.release(3);
  EXPECT_EQ(in_.unacknowledged(), 0u);
}

TEST_F(IncomingTest, ReceiveMaximumCountsThisConnectionAlone) {
  const uint32_t r = read({1, 2}, 1, 1);
  const uint32_t s = read({3, 4}, 2, 1);
  in_.answered(read({5}, 2, 1), {});
  in_.disconnect();
  EXPECT_EQ(in_.unacknowledged(), 0u);
  EXPECT_EQ(in_.check_qos2(3), seen::wait);
  EXPECT_EQ(in_.unacknowledged(), 1u);
  read({1}, 1, 1);
  EXPECT_EQ(in_.unacknowledged(), 2u);
  in_.answered(r, {});
  in_.answered(s, {});
  drain();
  EXPECT_EQ(in_.unacknowledged(), 2u);
  EXPECT_TRUE(in_.release(4));
  EXPECT_EQ(in_.unacknowledged(), 2u) << "4 was of the connection before";
  EXPECT_TRUE(in_.release(3));
  EXPECT_EQ(in_.unacknowledged(), 1u);
}

TEST_F(IncomingTest, AnIdentifierIsNotReleasedBeforeItsPubrec) {
  const uint32_t r = read({7}, 2, 1);
  EXPECT_FALSE(in_.release(7));
  EXPECT_EQ(in_.check_qos2(7), seen::wait);
  in_.answered(r, {});
  EXPECT_EQ(drain(), "r7");
  EXPECT_TRUE(in_.release(7));
  EXPECT_EQ(in_.unacknowledged(), 0u);
}

TEST_F(IncomingTest, AnswersToReadsOfBeforeAClearAreIgnored) {
  const uint32_t r = read({1}, 1, 1);
  read({7}, 2, 1);
  in_.clear();
  const uint32_t s = read({2}, 1, 1);
  EXPECT_NE(r, s);
  in_.answered(r, {{0, reason::quota_exceeded}});
  EXPECT_EQ(drain(), "");
  in_.answered(s, {});
  EXPECT_EQ(drain(), "2");
  EXPECT_EQ(in_.check_qos2(7), seen::no);
}

TEST_F(IncomingTest, APolicyRefusalOfQoS2IsGivenInItsTurn) {
  const uint32_t r = read({1}, 1, 1);
  answer_read(2, 2, reason::not_authorized);
  EXPECT_EQ(in_.unacknowledged(), 2u);
  EXPECT_EQ(drain(), "");
  in_.answered(r, {});
  EXPECT_EQ(drain(), "1 r2!");
  EXPECT_EQ(in_.unacknowledged(), 0u);
}

TEST_F(IncomingTest, AcknowledgesEveryPublishOnceAndInOrderWhateverIsAnsweredFirst) {
  fakes::seeded_random random;
  SCOPED_TRACE(random.name());
  std::vector<uint32_t> due;  // the read of each answer that is to come
  std::string want, got;
  uint16_t id = 0;
  for (int step = 0; step < 5000; ++step) {
    if (random.below(2) == 0) {
      in_.begin_read();
      const size_t n = random.below(5);
      for (size_t i = 0; i < n; ++i) {
        id = static_cast<uint16_t>(id % 60'000 + 1);
        const auto qos = static_cast<uint8_t>(1 + random.below(2));
        if (random.one_in(5))
          in_.add_answer(id, qos, reason::success);
        else
          in_.add(id, qos);
        want += (qos == 2 ? " r" : " ") + std::to_string(id);
      }
      const auto batches = static_cast<uint32_t>(random.below(4));
      const uint32_t r = in_.end_read(batches);
      due.insert(due.end(), batches, r);
    } else if (!due.empty()) {
      const size_t at = random.below(due.size());
      in_.answered(due[at], {});
      due.erase(due.begin() + static_cast<long>(at));
    }
    if (const auto text = drain(); !text.empty()) got += " " + text;
    ASSERT_EQ(want.substr(0, got.size()), got);
  }
  for (uint32_t r : due) in_.answered(r, {});
  if (const auto text = drain(); !text.empty()) got += " " + text;
  EXPECT_EQ(got, want);
  EXPECT_EQ(in_.waiting(), 0u);
}

}  // namespace
}  // namespace dunlin::core
