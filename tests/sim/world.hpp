// One node in a test's own thread: reactors driven by hand on a clock that the test moves, shards,
// registries and ingress as node.cpp wires them, clients over fake connections, and rules whose
// answers the test decides.
//
//   world w;  client& a = w.make_client("a");  w.connect(a);  a.subscribe("t", 1);  w.run();
//   EXPECT_EQ(a.take(), ...);
#pragma once

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "broker/directory.hpp"
#include "broker/metrics/counters.hpp"
#include "tests/sim/client.hpp"

namespace dunlin::sim {

// An outbound rule: answers at once, or when the test says so.
struct fake_rule {
  enum class mode { answer, hold, fail };
  mode how = mode::answer;
  std::deque<std::pair<caf::typed_response_promise<rules::stored>, uint32_t>> held;
  std::vector<std::string> records;  // "topic=payload", of all that came
  uint32_t requests = 0;

  void release_one();
  void fail_one();
};

class world {
 public:
  explicit world(const options& limits = {}, size_t reactors = 1);
  ~world();

  // -- clients --
  client& make_client(std::string id, mqtt::version v = mqtt::version::v5);
  // Opens a connection on that reactor and sends CONNECT; runs until all is quiet.
  void connect(client& c, const connect_options& o = {}, size_t reactor = 0);
  // The same without running.
  void begin_connect(client& c, const connect_options& o = {}, size_t reactor = 0);
  void open(client& c, size_t reactor = 0);

  // -- time and work --
  void run();
  // From now on only the first n reactors are used; who is on another one moves.
  void use_reactors(size_t n) { directory_.placement.set(static_cast<uint32_t>(n)); }
  void turn(size_t reactor) { reactors_[reactor]->run_turn(); }
  void run_rules() { scheduler().run(); }
  // Moves the clock in small steps, or in those of the size given, and runs in between.
  void advance(uint64_t ms, uint64_t step_ms = 0);

  // -- rules and the node's own messages --
  fake_rule& bind_rule_to(const std::string& topic);
  std::vector<rules::client_event>& watch_group(const std::string& group);
  // The answer as text, "met no_receiver refused"; "waiting" while there is none.
  std::shared_ptr<std::string> inject(std::vector<rules::inbound_message> messages);
  void publish_from_node(const std::string& topic, const std::string& payload);

  // -- what the node counted, over all reactors --
  uint64_t total(const metrics::relaxed_counter& (*of)(const metrics::counters&)) const;
  uint64_t dropped(metrics::drop_reason r) const;
  // published = delivered + queued + expired + refused + dropped; empty when it holds.
  std::string check_identity() const;
  std::string counters_text() const;

  directory& dir() { return directory_; }
  // Replaces the settings, as a reload does.
  template <class Change>
  void change_settings(Change change) {
    settings s = directory_.now();
    change(s);
    directory_.put(std::move(s));
  }
  net::reactor& reactor(size_t i) { return *reactors_[i]; }
  size_t reactors() const { return reactors_.size(); }
  uint64_t now_ms() const { return now_ms_; }

 private:
  struct config : caf::actor_system_config {
    config() { set("scheduler.policy", caf::atom("testing")); }
  };
  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
  }
  void drive();

  uint64_t now_ms_ = 1'000'000;
  config config_;
  caf::actor_system system_{config_};
  directory directory_;
  listener_ptr profile_ = std::make_shared<listener_profile>(listener_profile{"tcp"});
  std::vector<std::unique_ptr<net::reactor>> reactors_;
  rules::ingress_actor ingress_;
  std::deque<client> clients_;
  std::deque<std::shared_ptr<fake_rule>> rules_;
  std::deque<std::shared_ptr<std::vector<rules::client_event>>> events_;
  std::vector<caf::actor> helpers_;
};

}  // namespace dunlin::sim
