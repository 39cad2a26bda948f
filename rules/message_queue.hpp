// A message queue on the backend's side: what outbound, inbound and status rules send to and
// receive from.
//
// Implemented by rocketmq_queue (RocketMQ 5 over its gRPC proxy) and embedded_queue (durable, on
// RocksDB, consumed over HTTP), and by a fake in tests. Every call is asynchronous; `done` runs
// exactly once, on a thread of the queue's own, so it must not block: an actor's callback sends the
// actor a message. A queue is thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace dunlin::rules {

using property = std::pair<std::string, std::string>;

struct queue_message {
  std::string body;
  std::string tag;  // empty: none
  std::vector<std::string> keys;
  std::vector<property> properties;  // user properties, in order
  std::string message_group;  // FIFO topics: messages of one group keep their order; empty: none
  std::string message_id;     // set by the sender; the receiver sees the same
  int64_t born_ms = 0;        // since the epoch

  // Set on received messages only.
  std::string receipt;   // names this delivery to ack and nack
  uint32_t attempt = 0;  // 1 the first time
};

// What to do after a call.
enum class outcome {
  ok,
  retry,  // unreachable, busy, timed out: the same call may succeed later (its outcome may be
          // unknown)
  misconfigured,  // topic or group missing, credential refused: retry slowly, tell the operator,
                  // drop nothing
  refused,        // this message will never be taken: dead letter
};

struct queue_result {
  outcome what = outcome::ok;
  int code = 0;       // the server's status code, 0 when it said none
  std::string error;  // for people: what happened and, where known, what to do
};

struct received {
  queue_result result;
  std::vector<queue_message> messages;
};

struct receive_request {
  std::string topic;
  std::string group;
  size_t messages_max = 32;
  std::chrono::milliseconds wait{20000};       // long poll: answer at once when a message is there
  std::chrono::milliseconds invisible{60000};  // not acked within: delivered again
};

class message_queue {
 public:
  virtual ~message_queue() = default;

  // What one send() may carry.
  struct send_limits {
    size_t messages_max = 1;
    size_t bytes_max = 4 << 20;       // bodies and properties together
    size_t body_bytes_max = 4 << 20;  // of one message
    // Whether messages of one batch may differ in tag, keys and properties (false for RocketMQ up
    // to 5.3.3, whose proxy gives every message of a batch the first one's).
    bool mixed_properties = false;
  };
  virtual send_limits limits() const = 0;

  // All or nothing: with any outcome but ok no message of the batch is known to be stored. A batch
  // keeps the limits; a message with a message_group is sent alone.
  virtual void send(const std::string& topic, std::vector<queue_message> batch,
                    std::function<void(queue_result)> done) = 0;
  virtual void receive(const receive_request& what, std::function<void(received)> done) = 0;
  // Acknowledges deliveries of one topic and group by their receipts.
  virtual void ack(const std::string& topic, const std::string& group,
                   std::vector<queue_message> messages, std::function<void(queue_result)> done) = 0;
  // Gives one delivery back: it comes again after `delay`.
  virtual void nack(const std::string& topic, const std::string& group, queue_message message,
                    std::chrono::milliseconds delay, std::function<void(queue_result)> done) = 0;
  // Ends waiting receives and drops what was not answered (done runs with outcome::retry). Called
  // once, before the end.
  virtual void close() = 0;
};

}  // namespace dunlin::rules
