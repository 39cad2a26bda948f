// Finds client IDs that connect again and again, in a table of fixed size. Pure.
//
// A set-associative table of (hash of the ID, window, count): when a set is full, the entry whose
// window began first goes, so memory is bounded and a flood of new IDs only makes it forget. The
// caller brings the hash (one that outsiders cannot foresee) and the clock.
//   flapping_table t;  if (t.connected(hash, limits, now_ms)) ban(client_id);
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "broker/guard/limits.hpp"

namespace dunlin::guard {

class flapping_table {
 public:
  // True when this connect is one more than connects_max within window_s: counting starts again.
  bool connected(uint64_t id_hash, const flapping_limits& l, uint64_t now_ms) {
    fit(l.clients_max);
    slot& s = find(id_hash, now_ms);
    if (now_ms >= s.began_ms + l.window_s * 1000ull) {
      s.began_ms = now_ms;
      s.count = 0;
    }
    if (++s.count <= l.connects_max) return false;
    s = {};
    return true;
  }
  size_t bytes() const { return slots_.size() * sizeof(slot); }

 private:
  static constexpr size_t ways = 8;
  struct slot {
    uint64_t hash = 0;
    uint64_t began_ms = 0;
    uint32_t count = 0;  // 0: free
  };

  void fit(size_t clients_max) {
    const size_t sets = (clients_max + ways - 1) / ways + (clients_max == 0);
    if (slots_.size() == sets * ways) return;
    slots_.assign(sets * ways, {});
  }
  slot& find(uint64_t hash, uint64_t now_ms) {
    slot* set = &slots_[hash % (slots_.size() / ways) * ways];
    slot* oldest = set;
    for (size_t i = 0; i < ways; ++i) {
      if (set[i].count != 0 && set[i].hash == hash) return set[i];
      if (set[i].count == 0 || (oldest->count != 0 && set[i].began_ms < oldest->began_ms))
        oldest = &set[i];
    }
    *oldest = {hash, now_ms, 0};
    return *oldest;
  }

  std::vector<slot> slots_;
};

}  // namespace dunlin::guard
