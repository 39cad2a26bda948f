// The verdict over a run that has ended: what was sent against what each receiver got, stream by
// stream.
//
// Used by the scenarios after engine::close(). With QoS 0 every message sent counts; with QoS 1 and
// 2 every message that the broker has acknowledged (one that it refused, or never answered, is not
// its debt).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/load/histogram.hpp"
#include "tests/load/stream_check.hpp"
#include "tests/load/worker.hpp"

namespace dunlin::load {

struct verdict {
  uint64_t sent = 0;
  uint64_t acknowledged = 0;  // QoS 1 and 2, without the refused ones
  uint64_t refused = 0;
  uint64_t unsent = 0;    // due with a fixed rate, and not sent when the run was over
  uint64_t expected = 0;  // deliveries, over all receivers
  uint64_t missing = 0;   // of those
  uint64_t duplicates = 0;
  uint64_t reordered = 0;
  uint64_t misrouted = 0;
  uint64_t foreign = 0;
  uint64_t wrong_size = 0;
  uint64_t malformed = 0;
  uint64_t dup_flags = 0;
  uint64_t acks_out_of_turn = 0;
  uint64_t failed_clients = 0;
  std::string first_error;
};

struct queue_check {  // what an outbound rule put into the embedded queue
  uint64_t received = 0, missing = 0, duplicates = 0, foreign = 0;
  bool cut_off = false;
  std::string error;
};

struct latencies {
  histogram delivery, acknowledge, lateness;
};

verdict verify(const std::vector<std::unique_ptr<worker>>& workers, uint8_t qos);
// Every acknowledged message against what was read back from the queue.
queue_check verify(const std::vector<std::unique_ptr<worker>>& workers,
                   const std::vector<seen_set>& publishers);
latencies merge_latencies(const std::vector<std::unique_ptr<worker>>& workers);

}  // namespace dunlin::load
