// What protects the node from its clients: bans, limits of listeners, the reaction to overload.
//
// A member of the directory, used from every reactor. The handshake asks admit() when a CONNECT has
// come and connected() when its sender is who it says; sessions account what they read while
// watching() is true.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/guard/bans.hpp"
#include "broker/guard/limits.hpp"
#include "broker/guard/listener_guard.hpp"
#include "broker/guard/monitor.hpp"
#include "broker/mqtt/reason.hpp"

namespace dunlin::guard {

struct refusal {
  mqtt::reason code;
  std::string why;
};

// Who connects, as far as it is known.
struct applicant {
  std::string_view client_id = {}, user_name = {};
  std::string_view peer = {};  // "10.1.2.3:55"
};

class node_guard {
 public:
  node_guard();

  void apply(const policy& p);  // p stays good as long as the node runs
  const policy& now() const { return *policy_.load(std::memory_order_acquire); }

  // The one of that name, made when it is new; it stays good.
  listener_guard& listener(const std::string& name);

  // Before anything is read of it.
  bool peer_banned(std::string_view peer) const;
  std::optional<refusal> admit(listener_guard* l, const applicant& a, uint64_t now_ms);
  // After it has proved who it is: others cannot get it banned by using its name.
  std::optional<refusal> connected(const applicant& a, uint64_t now_ms);
  std::optional<refusal> banned(const applicant& a) const;

  // Whether what sessions read must be accounted: a rate is configured, or the node is overloaded.
  bool watching() const { return watching_.load(std::memory_order_relaxed); }
  uint64_t overload_refused() const { return overload_refused_.load(std::memory_order_relaxed); }
  void look(uint64_t lag_ms, uint64_t now_ms);  // on the first reactor

  bans ban_list;
  monitor load;

  // Time, for tests.
  void set_wall_clock(std::function<int64_t()> f) { wall_clock_ = std::move(f); }

 private:
  static const policy none;

  std::function<int64_t()> wall_clock_;
  std::atomic<const policy*> policy_{&none};
  std::atomic<bool> watching_{false};
  std::atomic<uint64_t> overload_refused_{0};
  std::mutex listeners_mutex_;
  std::deque<listener_guard> listeners_;
  uint64_t expired_looked_ms_ = 0;
};

}  // namespace dunlin::guard
