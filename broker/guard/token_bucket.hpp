// How much may come per second, as a token bucket of one word.
//
// Kept as the time at which the bucket is full again (the generic cell rate algorithm): each unit
// moves it on by 1/rate, and what stands more than the burst in the future has to wait. Pure: the
// caller brings the clock. client_rate.hpp uses the plain one, listener_guard.hpp the shared one.
//   token_bucket b;  const uint64_t wait = b.take(1, {.per_s = 1000, .burst_ms = 1000}, now_ms);
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace dunlin::guard {

struct rate {
  uint64_t per_s = 0;        // 0: no limit
  uint32_t burst_ms = 1000;  // what comes at once: this much time's worth
};

namespace detail {

constexpr uint64_t ns_per_ms = 1'000'000;

// A cost that would not fit is as good as for ever.
inline uint64_t cost_ns(uint64_t units, uint64_t per_s) {
  constexpr uint64_t most_units = 1ull << 32;
  return std::min(units, most_units) * 1'000'000'000 / per_s;
}
inline uint64_t wait_ms(uint64_t full_at_ns, const rate& r, uint64_t now_ms) {
  const uint64_t allowed = (now_ms + r.burst_ms) * ns_per_ms;
  return full_at_ns <= allowed ? 0 : (full_at_ns - allowed + ns_per_ms - 1) / ns_per_ms;
}

}  // namespace detail

class token_bucket {
 public:
  // Takes them in any case; the time, ms, until more may be taken without owing. 0: at once.
  uint64_t take(uint64_t units, const rate& r, uint64_t now_ms) {
    if (r.per_s == 0) return 0;
    full_at_ns_ =
        std::max(full_at_ns_, now_ms * detail::ns_per_ms) + detail::cost_ns(units, r.per_s);
    return detail::wait_ms(full_at_ns_, r, now_ms);
  }
  uint64_t wait(const rate& r, uint64_t now_ms) const {
    return r.per_s == 0 ? 0 : detail::wait_ms(full_at_ns_, r, now_ms);
  }

 private:
  uint64_t full_at_ns_ = 0;
};

// The same for many threads.
class shared_bucket {
 public:
  uint64_t take(uint64_t units, const rate& r, uint64_t now_ms) {
    if (r.per_s == 0) return 0;
    uint64_t before = full_at_ns_.load(std::memory_order_relaxed), after;
    do {
      after = std::max(before, now_ms * detail::ns_per_ms) + detail::cost_ns(units, r.per_s);
    } while (!full_at_ns_.compare_exchange_weak(before, after, std::memory_order_relaxed));
    return detail::wait_ms(after, r, now_ms);
  }
  // Takes them only where that owes nothing afterwards.
  bool try_take(uint64_t units, const rate& r, uint64_t now_ms) {
    if (r.per_s == 0) return true;
    uint64_t before = full_at_ns_.load(std::memory_order_relaxed), after;
    do {
      after = std::max(before, now_ms * detail::ns_per_ms) + detail::cost_ns(units, r.per_s);
      if (detail::wait_ms(after, r, now_ms) > 0) return false;
    } while (!full_at_ns_.compare_exchange_weak(before, after, std::memory_order_relaxed));
    return true;
  }

 private:
  std::atomic<uint64_t> full_at_ns_{0};
};

}  // namespace dunlin::guard
