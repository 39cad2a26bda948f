// Where everything of one node is: its shards and registries, its settings, the rules that watch
// clients.
//
// Filled once by the node before any listener starts, then only read, from every reactor; the
// settings alone are replaced, as a whole, by a reload.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/stable_hash.hpp"
#include "broker/actors.hpp"
#include "broker/guard/node_guard.hpp"
#include "broker/mqtt/topic.hpp"
#include "broker/operate/traces.hpp"
#include "broker/reactor_watch.hpp"
#include "broker/settings.hpp"

namespace dunlin {

struct directory {
  net::placement placement;
  std::vector<net::reactor*> reactors;
  std::vector<shard_actor> shards;
  std::vector<registry_actor> registries;
  absl::flat_hash_map<std::string, rules::status_actor> status_rules;  // by group ID
  std::atomic<uint32_t> connections{0};
  std::atomic<uint32_t> offline_sessions{0};
  std::atomic<bool> draining{false};
  guard::node_guard guard;
  reactor_watch::all watches;  // by the reactor's index
  operate::traces traces;

  // The settings in force. A snapshot is kept as long as the node runs (a reload is rare, a
  // snapshot small), so a reference stays good.
  const settings& now() const { return *settings_.load(std::memory_order_acquire); }
  const options& limits() const { return now().limits; }
  void put(settings s) {
    s.queue = {s.limits.queue_messages_max, s.limits.queue_bytes_max, s.limits.queue_qos0};
    std::lock_guard lock(snapshots_mutex_);
    snapshots_.push_back(std::make_unique<const settings>(std::move(s)));
    settings_.store(snapshots_.back().get(), std::memory_order_release);
    guard.apply(snapshots_.back()->guard);
  }

  size_t shard_of(std::string_view topic) const {
    return shards.size() == 1 ? 0 : part_of(mqtt::first_two_levels(topic), shards.size());
  }
  size_t registry_of(std::string_view client_id) const {
    return registries.size() == 1 ? 0 : part_of(client_id, registries.size());
  }

  // The client ID in "{parent}/p2p/{clientId}"; empty when it is another kind of topic.
  static std::string_view p2p_target(std::string_view topic) {
    const size_t slash = topic.find('/');
    // One look at the next letter tells almost every other topic.
    if (slash == std::string_view::npos || slash + 1 == topic.size() || topic[slash + 1] != 'p' ||
        topic.compare(slash, 5, "/p2p/") != 0)
      return {};
    return topic.substr(slash + 5);
  }

  // The rule that watches this client's group ("GroupID@@@DeviceID"); null when there is none.
  const rules::status_actor* status_rule(std::string_view client_id) const {
    if (status_rules.empty()) return nullptr;
    const size_t at = client_id.find("@@@");
    if (at == std::string_view::npos) return nullptr;
    auto it = status_rules.find(absl::string_view(client_id.data(), at));
    return it == status_rules.end() ? nullptr : &it->second;
  }

 private:
  std::mutex snapshots_mutex_;
  std::vector<std::unique_ptr<const settings>> snapshots_;
  std::atomic<const settings*> settings_{nullptr};
};

// Nobody takes this message, and its publisher is traced.
void trace_no_subscriber(directory& d, const session_gate& origin, const publish_item& item,
                         uint64_t now_ms);

}  // namespace dunlin
