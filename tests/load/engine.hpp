// Runs the workers through a scenario's phases and takes the measurements: connections,
// subscriptions, traffic, drain.
//
// Used by the scenarios, in this order (retained publishes before it subscribes):
//   engine e(options, publishers, receivers_each);
//   e.add(client)...;  e.connect() && e.subscribe();  e.publish(warmup, seconds);  e.drain();
//   e.close();
// Every wait is bounded and ends early on an interrupt (request_stop, safe in a signal handler).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/load/options.hpp"
#include "tests/load/progress.hpp"
#include "tests/load/run_state.hpp"
#include "tests/load/worker.hpp"

namespace dunlin::load {

void request_stop();
bool stop_requested();

struct sample {
  uint64_t at = 0;
  double broker_cpu_s = 0, own_cpu_s = 0, machine_cpu_s = 0;
  uint64_t resident_bytes = 0;
  uint64_t sent = 0, received = 0, acknowledged = 0;
};

struct interval {  // between two samples
  sample from, to;
  double seconds() const { return double(to.at - from.at) / 1e9; }
};

// How the wait after the last message ended. Only after `complete` and `silent` is it known what is
// missing.
enum class drain_end { complete, silent, cut_off };

class engine {
 public:
  engine(const options& o, uint32_t publishers, uint64_t receivers_each);
  ~engine();

  void add(std::unique_ptr<client> c);
  // True when all clients are connected / all filters are granted.
  bool connect();
  bool subscribe();
  interval publish(double warmup, double seconds);
  drain_end drain();
  // For retained messages: until so many are sent and acknowledged, and later until so many have
  // come.
  drain_end wait_sent(uint64_t wanted);
  drain_end wait_received(uint64_t wanted);
  uint64_t last_change() const {
    return settled_at_;
  }  // when the last of a wait's messages came, ns
  void idle(double seconds);
  void close();  // ends the workers; results are read after it

  sample take_sample() const;
  uint64_t total(std::atomic<uint64_t> worker_counters::*counter) const;
  uint64_t highest(std::atomic<uint64_t> worker_counters::*counter) const;
  size_t clients() const { return clients_; }
  uint64_t resident_max() const { return resident_max_; }
  uint32_t run_id() const { return state_.run_id; }
  const std::string& client_prefix() const { return prefix_; }
  // Seconds from the start of connect() / subscribe() to the last success.
  double connect_seconds() const;
  double subscribe_seconds() const;
  const std::vector<std::unique_ptr<worker>>& workers() const { return workers_; }

 private:
  bool wait(uint64_t until_ns, uint64_t poll_ns, const std::function<bool()>& done);
  drain_end settle(const std::function<bool()>& complete);
  void tick();

  const options& options_;
  run_state state_;
  std::string prefix_;
  progress progress_;
  std::vector<std::unique_ptr<worker>> workers_;
  std::vector<std::thread> threads_;
  size_t clients_ = 0;
  uint64_t filters_ = 0;
  uint64_t subscribe_begin_ = 0;
  uint64_t resident_max_ = 0;
  uint64_t next_tick_ = 0;
  uint64_t last_received_ = 0;
  uint64_t last_change_ = 0;
  uint64_t settled_at_ = 0;
};

}  // namespace dunlin::load
