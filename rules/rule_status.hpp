// What a rule tells about itself: the answer to `describe`, shown by GET /api/v1/rules and
// /metrics. Apart from actors.hpp so that they need not know CAF.
#pragma once

#include <cstdint>
#include <string>

namespace dunlin::rules {

struct rule_status {
  std::string id, type, topic, queue, group;
  std::string state;  // running, paused, retrying, misconfigured, stopped
  uint64_t taken = 0, sent = 0, refused = 0, dead_letters = 0,
           expired = 0;  // messages since the start
  double rate = 0;       // messages sent a second, over the last seconds
  uint64_t lag =
      0;  // messages taken and not yet sent (outbound), received and not yet acked (inbound)
  int64_t oldest_ms = 0;  // age of the oldest of them, ms
  uint64_t spool_bytes = 0;
  std::string last_error;     // empty: none so far
  int64_t last_error_ms = 0;  // since the epoch
};

}  // namespace dunlin::rules
