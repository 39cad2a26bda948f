#include "tests/load/histogram.hpp"

#include <cmath>

namespace dunlin::load {

void histogram::merge(const histogram& other) {
  for (size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

uint64_t histogram::middle(size_t i) {
  if (i < linear) return i;
  const unsigned shift = unsigned(i / linear) - 1;
  const uint64_t low = (linear + i % linear) << shift;
  return low + ((uint64_t(1) << shift) >> 1);
}

uint64_t histogram::percentile(double p) const {
  if (count_ == 0) return 0;
  const uint64_t wanted = std::max<uint64_t>(1, uint64_t(std::ceil(p * double(count_))));
  uint64_t seen = 0;
  for (size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= wanted) return std::min(middle(i), max_);
  }
  return max_;
}

}  // namespace dunlin::load
