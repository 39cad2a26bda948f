// What all connections of one listener share: how many there are, and how much they send together.
//
// Made by node_guard for each name, and kept as long as the node runs; used from every reactor.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "broker/guard/limits.hpp"
#include "broker/guard/token_bucket.hpp"

namespace dunlin::guard {

class listener_guard {
 public:
  explicit listener_guard(std::string name) : name_(std::move(name)) {}

  const std::string& name() const { return name_; }
  // In force now; a snapshot that stays good.
  const listener_limits& limits() const { return *limits_.load(std::memory_order_acquire); }
  void set_limits(const listener_limits& l) { limits_.store(&l, std::memory_order_release); }

  // Open connections: counted down by the connection itself when it closes.
  std::atomic<int64_t>& open() { return open_; }
  int64_t open() const { return open_.load(std::memory_order_relaxed); }

  bool take_connect(uint64_t now_ms) { return connects_.try_take(1, limits().connects(), now_ms); }
  // Accounts a packet of one of its clients; the time, ms, until that client may be read again.
  uint64_t take_packet(bool is_publish, size_t bytes, uint64_t now_ms) {
    const listener_limits& l = limits();
    const uint64_t m = is_publish ? messages_.take(1, l.messages(), now_ms) : 0;
    const uint64_t b = bytes_.take(bytes, l.bytes(), now_ms);
    return m > b ? m : b;
  }

 private:
  static inline const listener_limits none{};

  const std::string name_;
  std::atomic<const listener_limits*> limits_{&none};
  std::atomic<int64_t> open_{0};
  shared_bucket connects_, messages_, bytes_;
};

}  // namespace dunlin::guard
