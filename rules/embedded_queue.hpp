// A message queue of the node's own: durable, on RocksDB, for whoever has no RocketMQ. Consumed
// over the node's HTTP API.
//
// Used by broker/main (when no RocketMQ is configured) and by tests. Topics and consumer groups
// begin with their first use; every group sees every message that is kept, from the oldest on. A
// delivery that is not acknowledged within its invisible time comes again (at least once; attempts
// are counted anew after a restart). Thread-safe; one thread of its own writes, and all that comes
// while it writes shares the next write and its fsync.
//   auto q = open_embedded_queue({.path = "data/queue"});
//   (*q)->send("reports", {{.body = "x"}}, [](queue_result r) { ... });
//   (*q)->receive({.topic = "reports", .group = "backend"}, [](received r) { ... });
#pragma once

#include <absl/status/statusor.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "rules/message_queue.hpp"

namespace dunlin::rules {

struct embedded_queue_options {
  std::string path;
  // Of one topic. Over: what every group has acknowledged goes, the oldest first (all of it where
  // there is no group); when that is not enough send() answers retry, so that the sender's spool
  // holds the rest.
  uint64_t messages_max = 10'000'000;
  uint64_t bytes_max = 4ull << 30;
  // Older messages go, acknowledged or not.
  std::chrono::hours retention{72};
  // Deliveries of one group that wait for their acknowledgement. Over: it gets nothing new.
  uint64_t unacked_max = 100'000;
  enum class sync { always, interval, never } sync = sync::always;
  // sync::interval: the most that a power cut may take.
  std::chrono::milliseconds sync_interval{200};
};

// An error names the path and what to do.
absl::StatusOr<std::shared_ptr<message_queue>> open_embedded_queue(embedded_queue_options options);

}  // namespace dunlin::rules
