// The node's load as every thread sees it: the readings, and what overload.hpp makes of them.
//
// Each reactor reports in (reactor_watch.hpp); the first one looks for all. Readers are the
// handshake, sessions, metrics and the API.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "broker/guard/overload.hpp"

namespace dunlin::guard {

struct load_facts {
  overload_state state;
  uint64_t memory_bytes = 0, memory_high_bytes = 0, memory_critical_bytes = 0;  // ~0: no threshold
  uint64_t lag_ms = 0, lag_max_ms = 0;                                          // 0: no threshold
  bool enabled = false;
};

class monitor {
 public:
  pressure level() const { return static_cast<pressure>(level_.load(std::memory_order_relaxed)); }
  pressure_cause cause() const {
    return static_cast<pressure_cause>(cause_.load(std::memory_order_relaxed));
  }
  // On the first reactor, every overload::look_ms; logs a change. Returns the level.
  pressure look(const overload_limits& l, uint64_t lag_ms, uint64_t now_ms);
  load_facts facts() const;

  // Tests give their own readings.
  void read_memory_from(std::function<uint64_t()> used, uint64_t limit) {
    memory_ = std::move(used);
    memory_limit_ = limit;
  }

 private:
  void tell(const overload_state& was, const overload_state& is, const overload_reading& r);

  overload core_;
  std::function<uint64_t()> memory_;  // empty: this process
  std::atomic<uint64_t> memory_limit_{0};
  std::atomic<uint8_t> level_{0}, cause_{0};
  std::atomic<uint64_t> memory_bytes_{0}, lag_ms_{0}, high_{~0ull}, critical_{~0ull}, lag_max_{0};
  std::atomic<bool> enabled_{false};
};

}  // namespace dunlin::guard
