// Bounds of traces. A part of the settings (broker/settings.hpp).
#pragma once

#include <cstdint>

namespace dunlin::operate {

// Bounds of the configuration (trace.*).
struct trace_limits {
  uint32_t traces_max = 8;  // at once; over: refused
  uint32_t seconds_max = 3600;
  uint32_t events_max = 10'000;  // of one trace; over: the oldest go
  uint64_t bytes_max = 4 << 20;  // ... of their texts
  uint32_t payload_bytes_max = 4096;
};

}  // namespace dunlin::operate
