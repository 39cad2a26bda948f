// One node: its reactors, shards, registries and listeners.
//
// Used by main (serve.cpp) and by end-to-end tests. Errors that the operator can mend (a port that
// is taken) come from open(), before anything runs.
//
//   node n({.initial = {.limits = ...}, .reactors = 2, .listeners = {{"127.0.0.1:1883",
//   profile}}}); if (auto s = n.open(); !s.ok()) ...   n.start();  ...  n.stop();
#pragma once

#include <absl/status/status.h>
#include <caf/all.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "broker/directory.hpp"
#include "broker/listeners.hpp"
#include "broker/reactor_scaling.hpp"
#include "broker/settings.hpp"
#include "rules/rule.hpp"

namespace dunlin {

struct node_config {
  settings initial;
  uint32_t reactors = 0;  // at most; 0: one per core (net/cpu_limit.hpp)
  std::vector<listener_config> listeners;
  std::string version;  // shown in $SYS/broker/version
};

class node {
 public:
  explicit node(node_config config);
  ~node();
  node(const node&) = delete;
  node& operator=(const node&) = delete;

  absl::Status open();  // binds every listener; nothing is accepted yet
  // Shards and registries run from here on; rules may be started against ingress().
  void start_core();
  rules::ingress_actor ingress() const { return ingress_; }
  void bind(const std::vector<rules::running_rule>& rules);
  absl::Status start_listeners() { return listeners_.start(); }
  dunlin::listeners& listeners() { return listeners_; }
  // Other settings are in force from here on, for every connection and session.
  void put(settings s);
  // Accepts no more, tells clients that the server shuts down, waits for their connections to
  // close.
  void drain(std::chrono::milliseconds at_most);
  void stop();  // ends the reactors

  caf::actor_system& system() { return system_; }
  directory& where() { return directory_; }
  std::vector<net::reactor*> reactors() const;
  guard::node_guard& guard() { return directory_.guard; }
  uint64_t total(uint64_t (*of)(net::reactor&)) const;
  const settings& now() const { return directory_.now(); }

 private:
  void publish_sys();
  void publish_sys_topic(const std::string& name, const std::string& value);

  struct actor_config : caf::actor_system_config {
    actor_config();
  };
  struct sys_timer : net::timer {
    node* owner = nullptr;
  };

  node_config config_;
  actor_config actor_config_;
  caf::actor_system system_;
  directory directory_;
  std::vector<std::unique_ptr<net::reactor>> reactors_;
  std::unique_ptr<reactor_scaling> scaling_;  // null: there is one reactor
  dunlin::listeners listeners_;
  rules::ingress_actor ingress_;
  sys_timer sys_timer_;
  std::chrono::steady_clock::time_point started_at_;
  bool running_ = false;
};

// Milliseconds of the monotonic clock; what reactors run on.
uint64_t monotonic_ms();

}  // namespace dunlin
