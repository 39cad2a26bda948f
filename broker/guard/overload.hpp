// Decides from memory and reactor lag how much the node takes on. Pure: (readings, now) -> state.
//
//   normal    everything
//   refusing  no new connections
//   holding   and the busiest publishers are read only now and then: it has been refusing for
//             hold_after_ms, and that did not help
//   critical  and no publisher is read: memory is at memory_critical
// It leaves a state only when the reading has fallen clearly below what led to it.
#pragma once

#include <cstdint>
#include <string>

#include "broker/guard/limits.hpp"

namespace dunlin::guard {

enum class pressure : uint8_t { normal, refusing, holding, critical };
enum class pressure_cause : uint8_t { none, memory, lag };

inline const char* to_string(pressure p) {
  constexpr const char* names[] = {"normal", "refusing", "holding", "critical"};
  return names[static_cast<int>(p)];
}
inline const char* to_string(pressure_cause c) {
  constexpr const char* names[] = {"none", "memory", "reactor_lag"};
  return names[static_cast<int>(c)];
}

struct overload_reading {
  uint64_t memory_bytes = 0;        // of this process, resident
  uint64_t memory_limit_bytes = 0;  // of its control group or the machine; 0: unknown
  uint64_t lag_ms = 0;              // how late the latest reactor is
};

struct overload_state {
  pressure level = pressure::normal;
  pressure_cause cause = pressure_cause::none;
  bool operator==(const overload_state&) const = default;
};

// The thresholds in bytes; ~0: none.
uint64_t memory_high(const overload_limits& l, uint64_t memory_limit_bytes);
uint64_t memory_critical(const overload_limits& l, uint64_t memory_limit_bytes);

class overload {
 public:
  static constexpr uint64_t look_ms = 250;         // how often look() is called
  static constexpr uint64_t hold_after_ms = 1000;  // refusing, then holding
  static constexpr unsigned fall_percent = 95;     // memory is well again below this much of high
  static constexpr uint32_t lag_looks = 2;         // readings above that make it late
  static constexpr uint32_t calm_looks = 8;        // readings below half that make it well again

  overload_state look(const overload_reading& r, const overload_limits& l, uint64_t now_ms);
  const overload_state& state() const { return state_; }

 private:
  bool memory_pressed(const overload_reading& r, const overload_limits& l);
  bool lag_pressed(uint64_t lag_ms, const overload_limits& l);

  overload_state state_;
  bool memory_high_ = false, memory_critical_ = false, late_ = false;
  uint32_t late_looks_ = 0, calm_looks_ = 0;
  uint64_t since_ms_ = 0;
};

}  // namespace dunlin::guard
