// What the guard holds clients, listeners and the node to, in the form in which it is checked.
//
// Made from the configuration (broker/config_guard.cpp), part of settings.hpp, so a reload replaces
// it as a whole. A zero is no limit.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "broker/guard/ban.hpp"
#include "broker/guard/token_bucket.hpp"

namespace dunlin::guard {

// Of one listener: of all its clients together, and of each.
struct listener_limits {
  uint32_t connections_max = 0;
  uint32_t connects_per_s = 0;
  uint32_t messages_per_s = 0;
  uint64_t bytes_per_s = 0;
  uint32_t client_messages_per_s = 0;
  uint64_t client_bytes_per_s = 0;
  uint32_t burst_ms = 1000;

  rate connects() const { return {connects_per_s, burst_ms}; }
  rate messages() const { return {messages_per_s, burst_ms}; }
  rate bytes() const { return {bytes_per_s, burst_ms}; }
  rate client_messages() const { return {client_messages_per_s, burst_ms}; }
  rate client_bytes() const { return {client_bytes_per_s, burst_ms}; }
  // Whether the packets of its clients must be counted.
  bool any_rate() const {
    return messages_per_s || bytes_per_s || client_messages_per_s || client_bytes_per_s;
  }
};

struct flapping_limits {
  uint32_t connects_max = 0;  // in a window; 0: off
  uint32_t window_s = 60;
  uint32_t ban_s = 300;
  uint32_t clients_max = 100'000;  // that are watched
};

struct overload_limits {
  bool enabled = false;
  uint32_t memory_high_percent = 85, memory_critical_percent = 95;  // of the memory limit
  uint64_t memory_high_bytes = 0, memory_critical_bytes = 0;        // 0: by percent
  uint32_t reactor_lag_ms = 0;                                      // 0: not looked at
};

struct policy {
  std::vector<ban> bans = {};
  uint32_t bans_max = 100'000;
  flapping_limits flapping = {};
  overload_limits overload = {};
  std::vector<std::pair<std::string, listener_limits>> listeners = {};  // by name
  uint32_t rate_patience_ms = 30'000;
  bool rate_disconnects = true;  // after the patience; else it is slowed for ever

  bool any_rate() const {
    for (const auto& [name, l] : listeners)
      if (l.any_rate()) return true;
    return false;
  }
};

}  // namespace dunlin::guard
