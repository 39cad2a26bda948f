// The inbound rule's actor: receives from the message queue, hands to the broker's ingress,
// acknowledges what was met.
//
// Used by the factory and tests. It keeps a few receives running (a quarter of in_flight_max, at
// least one); each goes on when its messages have their answer, so memory is bounded by receives
// times messages. All nodes of a cluster consume in one group.
#pragma once

#include <caf/all.hpp>
#include <chrono>
#include <functional>
#include <memory>

#include "rules/actors.hpp"
#include "rules/message_queue.hpp"
#include "rules/rule.hpp"
#include "rules/spool.hpp"

namespace dunlin::rules {

struct inbound_config {
  rule config;  // group is set
  std::shared_ptr<message_queue> queue;
  std::shared_ptr<spool> store;  // dead letters
  ingress_actor ingress;
  std::function<int64_t()> wall_ms;  // milliseconds since the epoch
  size_t messages_max = 32;          // of one receive
  std::chrono::milliseconds poll{20000};
  std::chrono::milliseconds invisible{60000};
  std::chrono::milliseconds inject_timeout{30000};  // below `invisible`, or it would come twice
  std::chrono::milliseconds stop_timeout{5000};
};

inbound_actor spawn_inbound(caf::actor_system& system, inbound_config config);

}  // namespace dunlin::rules
