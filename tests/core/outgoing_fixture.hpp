// What the tests of outgoing share: a client's end that reads what was sent, and a tally that must
// balance.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "broker/core/outgoing.hpp"
#include "tests/core/packets.hpp"
#include "tests/fakes/random.hpp"

namespace dunlin::core {

using mqtt::packet_type;
using mqtt::reason;
using mqtt::version;

inline constexpr size_t no_limit = ~size_t{0};

class OutgoingTest : public ::testing::Test {
 protected:
  // Begins again with limits_ as they are now.
  void apply_limits() {
    std::destroy_at(&q_);
    std::construct_at(&q_, limits_);
  }
  std::vector<seen_packet> take() { return packets_of(out_, ver_); }

  void connect(uint16_t window = 65'535, uint32_t packet_bytes_max = ~0u) {
    online_ = true;
    q_.connect({ver_, window, packet_bytes_max}, now_ms_, out_, t_);
    q_.pump(now_ms_, out_, no_limit, t_);
  }
  void disconnect() {
    online_ = false;
    out_.clear();
    q_.disconnect();
  }
  void offer(std::string_view payload, uint8_t qos, bool room = true) {
    give({make_message("t", payload, qos), {}, qos, false}, room);
  }
  void give(delivery d, bool room = true) {
    q_.offer(std::move(d), now_ms_, online_ ? &out_ : nullptr, room, t_);
  }
  void pump() { q_.pump(now_ms_, out_, no_limit, t_); }
  bool puback(uint16_t id) {
    const bool known = q_.puback(id, t_);
    pump();
    return known;
  }
  std::string payloads() {
    std::string all;
    for (const auto& p : take()) all += p.type == packet_type::publish ? p.payload : "?";
    return all;
  }

  // Every copy that came in is somewhere.
  void check_balance() {
    const uint64_t dropped = t_.queue_full + t_.slow_subscriber + t_.too_large + t_.session_ended +
                             t_.not_connected + t_.given_back;
    const uint64_t waiting = t_.queued - t_.delivered - t_.expired - t_.refused - dropped;
    // A released or acknowledged QoS 2 message still holds its identifier, but is delivered.
    EXPECT_LE(waiting, q_.queued_messages() + q_.in_flight());
    EXPECT_GE(waiting, q_.queued_messages());
    tally end;
    q_.clear(end);
    EXPECT_EQ(waiting, end.session_ended);
    EXPECT_EQ(q_.queued_bytes(), 0u);
    EXPECT_EQ(q_.queued_messages() + q_.in_flight(), 0u);
  }
  void TearDown() override { check_balance(); }

  version ver_ = version::v5;
  outgoing::limits limits_;
  outgoing q_{limits_};
  std::string out_;
  tally t_;
  uint64_t now_ms_ = 1000;
  bool online_ = false;
};

}  // namespace dunlin::core
