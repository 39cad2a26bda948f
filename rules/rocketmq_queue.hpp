// A message_queue on a real RocketMQ 5, over its proxy's gRPC protocol.
//
// Used by broker/main and by tests.
//   auto queue = make_rocketmq_queue({.endpoint = "127.0.0.1:8081"});
//   queue->send("sensors_up", std::move(batch), [](queue_result r) { ... });
//
// One connection and one thread for all calls of all rules; `done` runs on that thread. It
// reconnects by itself: while the server is away calls end at once with outcome::retry. close()
// must not be called from `done`; a call after close() ends with outcome::retry on the caller's
// thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "rules/message_queue.hpp"

namespace dunlin::rules {

struct rocketmq_options {
  std::string endpoint = {};    // host:port of the proxy's gRPC port
  std::string access_key = {};  // empty: the server has authentication off
  std::string secret_key = {};
  // The server keeps the properties of a batch's messages apart (5.4.0 and later): then
  // limits().mixed_properties.
  bool batch_full = false;
  // No answer within: outcome::retry. A receive waits this much longer than its long poll.
  std::chrono::milliseconds request_timeout{5000};
  // limits() says these; over: outcome::refused.
  size_t batch_messages_max = 1024;
  size_t batch_bytes_max =
      3'670'016;  // 3.5 MiB: the server's 4 MiB less what it adds to each message
};

std::shared_ptr<message_queue> make_rocketmq_queue(const rocketmq_options& options);

}  // namespace dunlin::rules
