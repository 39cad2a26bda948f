// The time that people and other machines share: milliseconds since the epoch.
//
// For what leaves the process (events, records, message times). Timeouts run on the reactor's
// monotonic clock instead.   event.time_ms = wall_clock_ms();
#pragma once

#include <chrono>
#include <cstdint>

namespace dunlin {

inline int64_t wall_clock_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace dunlin
