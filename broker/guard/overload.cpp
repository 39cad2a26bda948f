#include "broker/guard/overload.hpp"

#include <algorithm>

namespace dunlin::guard {
namespace {

constexpr uint64_t none = ~0ull;

uint64_t part(uint64_t bytes, unsigned percent) { return bytes / 100 * percent; }

}  // namespace

uint64_t memory_high(const overload_limits& l, uint64_t limit) {
  if (l.memory_high_bytes) return l.memory_high_bytes;
  return limit && l.memory_high_percent ? part(limit, l.memory_high_percent) : none;
}

uint64_t memory_critical(const overload_limits& l, uint64_t limit) {
  if (l.memory_critical_bytes) return std::max(l.memory_critical_bytes, memory_high(l, limit));
  // As far above high as the percentages are from each other.
  if (l.memory_high_bytes)
    return l.memory_high_percent
               ? part(l.memory_high_bytes,
                      100 * std::max(l.memory_critical_percent, l.memory_high_percent) /
                          l.memory_high_percent)
               : none;
  return limit && l.memory_critical_percent ? part(limit, l.memory_critical_percent) : none;
}

bool overload::memory_pressed(const overload_reading& r, const overload_limits& l) {
  const auto update = [&](bool& is, uint64_t at) {
    if (at == none)
      is = false;
    else if (r.memory_bytes >= at)
      is = true;
    else if (r.memory_bytes < part(at, fall_percent))
      is = false;
  };
  update(memory_high_, memory_high(l, r.memory_limit_bytes));
  update(memory_critical_, memory_critical(l, r.memory_limit_bytes));
  return memory_high_ || memory_critical_;
}

bool overload::lag_pressed(uint64_t lag_ms, const overload_limits& l) {
  if (l.reactor_lag_ms == 0) return late_ = false;
  late_looks_ = lag_ms >= l.reactor_lag_ms ? late_looks_ + 1 : 0;
  calm_looks_ = lag_ms < l.reactor_lag_ms / 2 ? calm_looks_ + 1 : 0;
  if (late_looks_ >= lag_looks) late_ = true;
  if (calm_looks_ >= calm_looks) late_ = false;
  return late_;
}

overload_state overload::look(const overload_reading& r, const overload_limits& l,
                              uint64_t now_ms) {
  if (!l.enabled) {
    *this = {};
    return state_;
  }
  const bool memory = memory_pressed(r, l), lag = lag_pressed(r.lag_ms, l);
  if (!memory && !lag) return state_ = {};
  if (state_.level == pressure::normal) since_ms_ = now_ms;
  state_.cause = memory ? pressure_cause::memory : pressure_cause::lag;
  if (memory_critical_)
    state_.level = pressure::critical;
  else if (now_ms - since_ms_ >= hold_after_ms)
    state_.level = pressure::holding;
  else
    state_.level = pressure::refusing;
  return state_;
}

}  // namespace dunlin::guard
