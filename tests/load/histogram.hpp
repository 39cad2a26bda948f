// Counts of durations with a bounded relative error, for percentiles over any number of values in
// constant memory.
//
// Used by every worker (one each, merged at the end) and by the report. Buckets are log-linear, 128
// to an octave, so a percentile is at most 0.4 % away from the value that was added; the largest
// value is kept exactly.
//   histogram h; h.add(1'500); h.percentile(0.99) -> 1'500
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

namespace dunlin::load {

class histogram {
 public:
  void add(uint64_t value) {
    ++buckets_[index(value)];
    ++count_;
    max_ = std::max(max_, value);
  }
  void merge(const histogram& other);

  // The smallest value that at least the share p (0..1] of all values does not exceed; 0 when there
  // is none.
  uint64_t percentile(double p) const;
  uint64_t count() const { return count_; }
  uint64_t max() const { return max_; }

 private:
  static constexpr unsigned bits = 7;  // 2^7 buckets to an octave
  static constexpr uint64_t linear = uint64_t(1) << bits;

  static size_t index(uint64_t v) {
    if (v < linear) return size_t(v);
    const unsigned shift = unsigned(std::bit_width(v)) - 1 - bits;
    return (size_t(shift) + 1) * linear + size_t((v >> shift) & (linear - 1));
  }
  static uint64_t middle(size_t i);

  std::vector<uint64_t> buckets_ = std::vector<uint64_t>((65 - bits) * linear, 0);
  uint64_t count_ = 0;
  uint64_t max_ = 0;
};

}  // namespace dunlin::load
