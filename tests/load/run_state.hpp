// What the coordinator (engine.hpp) and the workers share while a run goes on: a phase, a schedule
// and counters.
//
// The coordinator writes the schedule before it moves the phase; workers write only atomics, once
// for each batch.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

namespace dunlin::load {

enum class phase : int { connect, subscribe, publish, close };

struct schedule {  // monotonic ns
  uint64_t begin = 0;
  uint64_t measure = 0;  // from here on messages count for the figures
  std::atomic<uint64_t> end{
      0};  // no message is sent, or due, from here on; comes forward on an interrupt

  uint64_t until() const { return end.load(std::memory_order_relaxed); }
  // Unsigned: what is before `measure` is far beyond.
  bool counts(uint64_t at) const { return at - measure < until() - measure; }
};

struct run_state {
  std::atomic<phase> now{phase::connect};
  schedule times;
  uint32_t run_id = 0;
  uint32_t publishers = 0;      // of all workers
  std::vector<double> moments;  // of each publisher (arrivals.hpp)
  uint64_t receivers_each = 0;  // how many receivers each message has
  uint64_t connect_begin = 0;

  alignas(64) std::atomic<uint64_t> sent{0};
  alignas(64) std::atomic<uint64_t> received{0};
  std::atomic<uint64_t> written_off{0};  // given up as lost, so that a closed loop goes on
};

struct alignas(64) worker_counters {
  std::atomic<uint64_t> ready{0};    // connected now
  std::atomic<uint64_t> failed{0};   // refused, or ended before the run was over
  std::atomic<uint64_t> granted{0};  // subscriptions
  std::atomic<uint64_t> denied{0};
  std::atomic<uint64_t> in_flight{0};  // unacknowledged, of publishers still connected
  std::atomic<uint64_t> acknowledged{0};
  std::atomic<uint64_t> last_ready_ns{0};
  std::atomic<uint64_t> last_granted_ns{0};
};

}  // namespace dunlin::load
