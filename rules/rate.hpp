// Events a second, over the last five whole seconds. Pure: the caller brings the time.
//
// Used by the rules for what their status shows.   rate r; r.add(512, now); r.per_second(now);
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

namespace dunlin::rules {

class rate {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  void add(uint64_t n, time_point now) {
    advance(now);
    counts_[second_ % slots] += n;
  }

  double per_second(time_point now) {
    advance(now);
    uint64_t sum = 0;
    for (int64_t s = 1; s < slots; ++s) sum += counts_[(second_ + s) % slots];
    return static_cast<double>(sum) / (slots - 1);
  }

 private:
  static constexpr int64_t slots = 6;  // five whole seconds and the current one

  void advance(time_point now) {
    auto second = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
    if (second - second_ >= slots) counts_.fill(0);
    for (; second_ < second; ++second_) {
      if (second - second_ < slots) counts_[(second_ + 1) % slots] = 0;
      if (second - second_ > slots) second_ = second - slots;
    }
  }

  std::array<uint64_t, slots> counts_{};
  int64_t second_ = 0;
};

}  // namespace dunlin::rules
