// The headers that sign a call to a RocketMQ server with ACL 2.0 (x-mq-date-time and
// authorization).
//
// Used by rocketmq_queue, once a second. Pure.   sign({"ak", "sk"}, now) -> {"20260102T030405Z",
// "MQv2-HMAC-SHA1 Credential=ak, ..."}
#pragma once

#include <chrono>
#include <string>

namespace dunlin::rules {

struct rocketmq_credential {
  std::string access_key;
  std::string secret_key;
};

struct rocketmq_signature {
  std::string date_time;
  std::string authorization;
};

// `now`: whole seconds are signed.
rocketmq_signature sign(const rocketmq_credential& who, std::chrono::system_clock::time_point now);

}  // namespace dunlin::rules
