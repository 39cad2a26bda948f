// The backend's side of a node: the message queue that is configured, and the rules bound to it.
//
// Used by serve.cpp. The errors are the operator's: a data directory that cannot be used, a spool
// that cannot be opened.
#pragma once

#include <absl/status/statusor.h>

#include <functional>
#include <memory>
#include <vector>

#include "broker/config.hpp"
#include "rules/message_queue.hpp"
#include "rules/rule.hpp"

namespace dunlin {

struct backend {
  std::shared_ptr<rules::message_queue> queue;
  bool embedded = false;  // the queue is the node's own
  std::vector<rules::running_rule> rules;
};

// Makes the data directory when there is none, and proves that it can be written.
absl::Status prepare_data_dir(const std::string& path);

absl::StatusOr<backend> start_backend(const config& c, caf::actor_system& system,
                                      rules::ingress_actor ingress);

// Asks every rule about itself; `done` runs once, on a thread of the actor system, within
// describe_timeout. A rule that does not answer is shown as "unresponsive".
inline constexpr std::chrono::milliseconds describe_timeout{2000};
void describe_rules(caf::actor_system& system, const std::vector<rules::running_rule>& rules,
                    std::function<void(std::vector<rules::rule_status>)> done);

// The oldest dead letters of one rule; `done` runs once, on a thread of its own.
void list_dead_letters(caf::actor_system& system, const std::vector<rules::running_rule>& rules,
                       const std::string& id, size_t max,
                       std::function<void(absl::StatusOr<std::vector<rules::dead_letter>>)> done);

// Tells every rule to finish what is in flight, waits for their end, and closes the queue.
void stop_backend(backend& b, caf::actor_system& system, std::chrono::milliseconds at_most);

}  // namespace dunlin
