// A queue_message as a RocketMQ message and back. Bodies and texts move; nothing is copied.
//
// Used by rocketmq_queue.   to_wire(std::move(m), topic, host, *request.add_messages());
#pragma once

#include <string>

#include "proto/rocketmq.pb.h"
#include "rules/message_queue.hpp"

namespace dunlin::rules {

// What the messages of one request share. The topic lives on the request's arena.
struct wire_batch {
  apache::rocketmq::v2::Resource* topic;
  const std::string& born_host;
  int64_t now_ms;  // for messages without born_ms
};

// `out` and batch.topic are on one arena. A message that refusal() refuses is not sent.
void to_wire(queue_message m, const wire_batch& batch, apache::rocketmq::v2::Message& out);

queue_message from_wire(apache::rocketmq::v2::Message&& m);

}  // namespace dunlin::rules
