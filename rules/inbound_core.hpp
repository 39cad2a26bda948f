// What an inbound rule decides about each delivery: inject, acknowledge, give back, keep as a dead
// letter. Pure.
//
// Used by the inbound actor, one `delivery_batch` for each answer of receive(), and by tests.
//   auto b = sort_out(messages, rule, now_ms);      // b.inject go to the ingress; b.ack and b.dead
//   are settled already auto v = judge(std::move(b.injected), results, rule, now_ms);
//
// A delivery is acknowledged when the obligations of its message are met (injection::met), when it
// has expired, when no device takes it and the rule says so (unroutable::ack), or when it is on
// disk as a dead letter. Never before.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "rules/actors.hpp"
#include "rules/message_queue.hpp"
#include "rules/rule.hpp"
#include "rules/spool.hpp"

namespace dunlin::rules {

// A message that was refused so often will be refused for ever: a dead letter. (RocketMQ itself
// gives up after 17.)
inline constexpr uint32_t inbound_attempts_max = 16;

struct buried_delivery {
  queue_message message;
  dead_letter letter;
};

struct sorted_batch {
  std::vector<inbound_message> inject;
  std::vector<queue_message> injected;  // their deliveries, in the same order
  std::vector<queue_message> expired;   // to be acknowledged
  std::vector<buried_delivery> dead;    // to be acknowledged once the letters are on disk
};
sorted_batch sort_out(std::vector<queue_message> messages, const rule& r, int64_t now_ms);

struct nack_delivery {
  queue_message message;
  std::chrono::milliseconds delay;
};
struct verdict {
  std::vector<queue_message> ack;
  std::vector<nack_delivery> nack;
  std::vector<buried_delivery> dead;
  uint64_t met = 0, no_receiver = 0, refused = 0;
};
verdict judge(std::vector<queue_message> injected, const std::vector<injection>& results,
              const rule& r, int64_t now_ms);

// The ingress did not answer: all come again.
std::vector<nack_delivery> give_back(std::vector<queue_message> injected, const rule& r);

}  // namespace dunlin::rules
