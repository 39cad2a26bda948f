// A rule's configuration, and the factory that turns the configured rules into running actors.
//
// Used by broker/main (configuration in, handles out) and by tests.
#pragma once

#include <absl/status/statusor.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "rules/actors.hpp"
#include "rules/dead_letter.hpp"
#include "rules/message_queue.hpp"

namespace dunlin::rules {

class spool;

enum class rule_type { outbound, inbound, status };
enum class rule_format { message, envelope };
enum class rule_order { none, device };
enum class acknowledge { stored, delivered };
enum class unroutable { ack, dead_letter };

struct rule {
  std::string id;
  rule_type type = rule_type::outbound;
  std::string topic;  // MQTT parent topic (outbound, inbound); the rule takes `topic` and `topic/#`
  std::string queue;  // topic of the message queue
  std::string group;  // status: the clients' group ID ("GID_demo"); inbound: the consumer group
                      // (default: DUNLIN_<id>)
  rule_format format = rule_format::message;
  rule_order order = rule_order::none;
  acknowledge ack = acknowledge::stored;
  unroutable policy = unroutable::ack;  // inbound: a message that no device takes
  uint64_t spool_bytes_max = 8ull << 30;
  uint32_t in_flight_max = 16;           // requests to the queue at once
  uint32_t envelope_messages_max = 512;  // device messages in one envelope
  std::chrono::milliseconds linger{5};   // waits this long to fill a batch
  std::chrono::milliseconds retry_min{100}, retry_max{10000};
};

struct rules_config {
  std::vector<rule> rules;
  std::string data_dir;  // spools and dead letters below it
  enum class sync { always, interval, never } sync = sync::always;
  // sync::interval: the most that a power cut may take.
  std::chrono::milliseconds sync_interval{200};
  std::shared_ptr<message_queue> queue;  // the one all rules are bound to
  ingress_actor ingress;
};

struct running_rule {
  rule config;
  std::shared_ptr<spool>
      store;                // let go of it when the rule is stopped: the spool ends with the last
  outbound_actor outbound;  // exactly one of the three is set
  status_actor status;
  inbound_actor inbound;
};

// Opens the spools and starts every rule. An unreadable data directory or a spool that cannot be
// opened is an error that names the path and what to do.
absl::StatusOr<std::vector<running_rule>> start_rules(caf::actor_system& system,
                                                      rules_config config);

// The oldest first; may block on the disk.
absl::StatusOr<std::vector<dead_letter>> list_dead_letters(const running_rule& r, size_t max);

}  // namespace dunlin::rules
