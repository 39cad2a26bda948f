// The one clock of the load tool: monotonic nanoseconds, comparable between its threads.
#pragma once

#include <time.h>

#include <cstdint>

namespace dunlin::load {

inline uint64_t now_ns() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return uint64_t(t.tv_sec) * 1'000'000'000 + uint64_t(t.tv_nsec);
}

inline constexpr uint64_t second_ns = 1'000'000'000;
inline uint64_t to_ns(double seconds) { return uint64_t(seconds * double(second_ns)); }

}  // namespace dunlin::load
