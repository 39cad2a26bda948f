// Which of many sent the most since the last look. Pure; one for each reactor while the node is
// overloaded (reactor_watch.hpp).
//
// At most entries_max are remembered between two looks: whoever sends much comes early.
//   b.add(who, bytes);  ...  for (auto* w : b.take(50)) hold(w);
#pragma once

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace dunlin::guard {

template <class Key>
class busiest {
 public:
  static constexpr size_t entries_max = 8192;

  void add(Key k, uint64_t bytes) {
    auto it = bytes_.find(k);
    if (it != bytes_.end())
      it->second += bytes;
    else if (bytes_.size() < entries_max)
      bytes_.emplace(k, bytes);
  }
  void forget(Key k) { bytes_.erase(k); }
  bool empty() const { return bytes_.empty(); }

  // The fewest that sent `percent` of all bytes, the busiest first, but nobody who sent less than
  // `bytes_min`; counting starts again.
  std::vector<Key> take(unsigned percent, uint64_t bytes_min = 0) {
    std::vector<std::pair<uint64_t, Key>> all;
    uint64_t sum = 0;
    for (const auto& [k, n] : bytes_) {
      all.emplace_back(n, k);
      sum += n;
    }
    bytes_.clear();
    std::sort(all.begin(), all.end(),
              [](const auto& a, const auto& b) { return a.first > b.first; });
    std::vector<Key> out;
    uint64_t taken = 0;
    for (const auto& [n, k] : all) {
      if (taken * 100 >= sum * percent || n < bytes_min) break;
      taken += n;
      out.push_back(k);
    }
    return out;
  }

 private:
  absl::flat_hash_map<Key, uint64_t> bytes_;
};

}  // namespace dunlin::guard
