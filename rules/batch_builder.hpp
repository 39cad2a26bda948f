// Makes the messages of one send() out of device messages, within what the message queue takes.
// Pure.
//
// Used by outbound_core, which adds records until one does not fit.
//   batch_builder b(options, now_ms);
//   while (b.add(record, number) == batch_builder::added) ...
//   queue->send(topic, b.finish(), ...);
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rules/mapping.hpp"
#include "rules/message_queue.hpp"
#include "rules/record.hpp"
#include "rules/rule.hpp"

namespace dunlin::rules {

// What the records are: messages of devices, or events of a status rule (topic: event type,
// payload: the event's JSON).
enum class record_kind : uint8_t { message, event };

struct batch_options {
  record_kind kind = record_kind::message;
  rule_format format = rule_format::message;
  rule_order order = rule_order::none;
  uint32_t envelope_messages_max = 512;
  message_queue::send_limits limits;
  std::string rule_id;
  std::string source;  // the spool's
};

class batch_builder {
 public:
  // `now_ms` is the time that expiry intervals are told for: the same gives the same batch again.
  batch_builder(const batch_options& options, int64_t now_ms)
      : options_(options), now_ms_(now_ms) {}

  enum result {
    added,
    full,     // it belongs into the next batch
    refused,  // it will never be taken: reason()
  };
  // `number` names the message within its source; `size` is its record's.
  result add(const device_message& m, uint64_t number, size_t size);
  const std::string& reason() const { return reason_; }

  uint32_t count() const { return count_; }
  std::vector<queue_message> finish();

 private:
  result add_message(const device_message& m, uint64_t number);
  result add_to_envelope(const device_message& m, uint64_t number, size_t size);
  result refuse(std::string reason);
  void open_envelope(const device_message& m);
  void close_envelope();

  const batch_options& options_;
  int64_t now_ms_;
  std::vector<queue_message> batch_;
  size_t bytes_ = 0;  // of the batch, the open envelope left out
  uint32_t count_ = 0;
  std::string reason_;
  uint32_t in_envelope_ = 0;  // messages in the last of batch_, which is open
  uint64_t envelope_first_ = 0, envelope_last_ = 0;
  std::string envelope_client_;
};

}  // namespace dunlin::rules
