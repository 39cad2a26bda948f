// What the API's handlers need from the node: given by main.cpp, by fakes in tests.
//
// Every function may be called on the HTTP server's thread at any time while it runs; it must not
// block.
#pragma once

#include <absl/status/statusor.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/operate/change.hpp"
#include "broker/operate/lag.hpp"
#include "broker/operate/session_facts.hpp"
#include "broker/operate/traces.hpp"
#include "rules/dead_letter.hpp"
#include "broker/guard/bans.hpp"
#include "broker/guard/monitor.hpp"
#include "rules/message_queue.hpp"
#include "rules/rule_status.hpp"

namespace dunlin::api {

struct node_facts {
  std::string name;
  double uptime_s = 0;
  int64_t connections = 0, sessions = 0, subscriptions = 0, retained_messages = 0;
  uint32_t reactors = 0;
  int64_t reactors_in_use = 0;
};

struct topic_facts {
  std::string filter;
  uint64_t in = 0, in_bytes = 0, out = 0, out_bytes = 0, dropped = 0;
};

struct provider {
  // Why the node does not take clients (starting, draining); empty: it is ready.
  std::function<std::vector<std::string>()> not_ready;
  std::function<node_facts()> node;
  std::function<std::vector<topic_facts>()> topics;  // of topics.metrics
  // Answers once, on any thread, within a bounded time, also when a rule does not: in the order of
  // the configuration.
  std::function<void(std::function<void(std::vector<rules::rule_status>)>)> rule_statuses;
  // The oldest `max` dead letters of a rule; not found: there is no such rule. Answers as above.
  std::function<void(const std::string& rule, size_t max,
                     std::function<void(absl::StatusOr<std::vector<rules::dead_letter>>)>)>
      dead_letters;
  std::function<std::string(const std::vector<rules::rule_status>&)> metrics;
  // Bans, and how the node copes. Null where there is no node.
  guard::bans* bans = nullptr;
  const guard::monitor* load = nullptr;
  // The queue inside the node; null when rules are bound to RocketMQ.
  std::shared_ptr<rules::message_queue> queue;
  // Reads the configuration again; answers once, on any thread.
  std::function<void(std::function<void(operate::reload_outcome)>)> reload;

  // Traces: the table is the node's; start_trace also tells the client's session.
  operate::traces* traces = nullptr;
  std::function<absl::StatusOr<operate::trace_ptr>(operate::trace_request)> start_trace;
  std::function<uint64_t()> monotonic_ms;
  std::function<void(std::chrono::milliseconds, std::function<void()>)> after;

  // Each answers once, on any thread, within a bounded time; a reactor that does not answer in time
  // is left out.
  std::function<void(operate::rank by, size_t most,
                     std::function<void(std::vector<operate::slow_subscriber>)>)>
      slow_subscribers;
  // Nothing: no answer in time.
  std::function<void(std::string id, std::function<void(std::optional<operate::session_facts>)>)>
      client;
  std::function<void(std::string id, std::string why)> disconnect_client;

  std::function<int64_t()> now_ms;              // since the epoch
  std::function<std::string()> new_message_id;  // unique, also across restarts
};

}  // namespace dunlin::api
