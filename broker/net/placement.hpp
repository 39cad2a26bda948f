// How many of a node's reactors are in use, and which of them a connection or an actor belongs to.
//
// One for each node, in its directory. broker/reactor_scaling sets it;
// every reactor's thread reads it, once for each actor that it runs (broker/pinned.hpp). The
// reactors in use are the first ones; the others sleep.
#pragma once

#include <atomic>
#include <cstdint>

namespace dunlin::net {

class placement {
 public:
  // Changes with every set(); 0: nothing was ever set, and nothing moves.
  uint32_t version() const {
    return static_cast<uint32_t>(state_.load(std::memory_order_relaxed) >> 32);
  }
  uint32_t in_use() const { return state_.load(std::memory_order_relaxed) & 0xffff; }

  // By one thread at a time; 1 to 65,535 reactors.
  void set(uint32_t in_use) {
    const uint64_t before = state_.load(std::memory_order_relaxed);
    state_.store(((before >> 32) + 1) << 32 | (before & 0xffff) << 16 | in_use,
                 std::memory_order_relaxed);
  }

  // Where one of many goes that is on reactor `here`: it stays if it can, and of those that have to
  // or should go, every reactor gets as many as any other. `key` tells one from another.
  uint32_t of_many(uint64_t key, uint32_t here) const {
    const uint64_t s = state_.load(std::memory_order_relaxed);
    const auto now = static_cast<uint32_t>(s & 0xffff),
               before = static_cast<uint32_t>(s >> 16 & 0xffff);
    const uint32_t there = consistent(key, now);
    return here >= now || there >= before ? there : here;
  }
  // Where number n of those is of which there is one for each reactor.
  uint32_t of_each(uint32_t n) const { return n % in_use(); }

 private:
  // Lamping and Veach, "A fast, minimal memory, consistent hash algorithm", 2014: with one bucket
  // more, only what goes into that bucket moves.
  static uint32_t consistent(uint64_t key, uint32_t buckets) {
    int64_t bucket = 0, next = 0;
    while (next < int64_t{buckets}) {
      bucket = next;
      key = key * 2'862'933'555'777'941'757ull + 1;
      next = static_cast<int64_t>(static_cast<double>(bucket + 1) *
                                  (2147483648.0 / static_cast<double>((key >> 33) + 1)));
    }
    return static_cast<uint32_t>(bucket);
  }

  std::atomic<uint64_t> state_{1};  // version << 32 | in use before << 16 | in use
};

}  // namespace dunlin::net
