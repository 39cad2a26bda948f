// What a RocketMQ server's answer means: its status codes and texts, and gRPC's, as an outcome and
// a text for people.
//
// Used by rocketmq_queue. Pure.
//   classify(40402, "No topic route info", {.what = "send", .topic = "sensors_up", .group =
//   {}}).what  // misconfigured
#pragma once

#include <string_view>

#include "rules/message_queue.hpp"

namespace dunlin::rules {

struct rocketmq_call {
  std::string_view what;  // send, receive, ack, nack
  std::string_view topic;
  std::string_view group;  // empty: a producer's call
};

inline constexpr int rocketmq_ok = 20000;
inline constexpr int rocketmq_nothing_new = 40401;  // a long poll that ended without a message
inline constexpr int rocketmq_multiple = 30000;     // look at the entries

// The server's answer (gRPC said OK).
queue_result classify(int code, std::string_view text, const rocketmq_call& call);

// No answer: a gRPC status code but OK. Whether the server carried the call out is unknown.
queue_result classify_transport(int grpc_code, std::string_view text, std::string_view endpoint);

// The server has lost, or never had, what the consumer told it over Telemetry: tell it again.
bool settings_missing(int code, std::string_view text);

}  // namespace dunlin::rules
