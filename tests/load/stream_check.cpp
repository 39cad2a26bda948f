#include "tests/load/stream_check.hpp"

#include <algorithm>
#include <bit>

namespace dunlin::load {

bool stream_check::got_out_of_turn(uint64_t sequence) {
  if (sequence < next_) return fill(sequence);
  gaps_.push_back({next_, sequence});
  next_ = sequence + 1;
  return true;
}

bool stream_check::has(uint64_t sequence) const {
  return missing_below(sequence + 1) == missing_below(sequence);
}

bool stream_check::fill(uint64_t sequence) {
  auto it = std::upper_bound(gaps_.begin(), gaps_.end(), sequence,
                             [](uint64_t s, const gap& g) { return s < g.to; });
  if (it == gaps_.end() || sequence < it->from) {
    ++duplicates_;
    return false;
  }
  ++reordered_;
  const gap old = *it;
  if (old.from == sequence && old.to == sequence + 1) {
    gaps_.erase(it);
  } else if (old.from == sequence) {
    it->from = sequence + 1;
  } else {
    it->to = sequence;
    if (sequence + 1 < old.to) gaps_.insert(it + 1, {sequence + 1, old.to});
  }
  return true;
}

uint64_t stream_check::missing_below(uint64_t limit) const {
  uint64_t missing = limit > next_ ? limit - next_ : 0;
  for (const gap& g : gaps_) {
    if (g.from >= limit) break;
    missing += std::min(g.to, limit) - g.from;
  }
  return missing;
}

bool seen_set::got(uint64_t sequence) {
  const size_t word = size_t(sequence / 64);
  if (word >= words_.size()) words_.resize(word + word / 2 + 16, 0);
  const uint64_t bit = uint64_t(1) << (sequence % 64);
  const bool again = (words_[word] & bit) != 0;
  duplicates_ += again;
  words_[word] |= bit;
  return !again;
}

bool seen_set::has(uint64_t sequence) const {
  const size_t word = size_t(sequence / 64);
  return word < words_.size() && (words_[word] >> (sequence % 64) & 1) != 0;
}

void seen_set::merge(const seen_set& other) {
  if (words_.size() < other.words_.size()) words_.resize(other.words_.size(), 0);
  for (size_t i = 0; i < other.words_.size(); ++i) {
    duplicates_ += uint64_t(std::popcount(words_[i] & other.words_[i]));
    words_[i] |= other.words_[i];
  }
  duplicates_ += other.duplicates_;
}

uint64_t seen_set::missing_below(uint64_t limit) const {
  uint64_t seen = 0;
  for (size_t i = 0; i < words_.size() && i * 64 < limit; ++i) {
    const uint64_t left = limit - i * 64;
    const uint64_t mask = left >= 64 ? ~uint64_t(0) : (uint64_t(1) << left) - 1;
    seen += uint64_t(std::popcount(words_[i] & mask));
  }
  return limit - seen;
}

}  // namespace dunlin::load
