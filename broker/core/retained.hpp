// The retained messages of one shard, by topic (MQTT 5.0 section 3.3.1.3).
//
// Ordered by topic, so that a subscription with wildcards looks only at the topics that begin with
// its literal part, and can be served piece by piece: a storm of a million retained messages never
// holds a shard or its memory.
//
//   store.set(msg, now);  store.collect("a/+/c", from, 256, now, [](const message_ptr& m) {...})
#pragma once

#include <absl/container/btree_map.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "broker/mqtt/message.hpp"
#include "broker/mqtt/topic.hpp"

namespace dunlin::core {

class retained {
 public:
  struct limits {
    uint64_t messages_max;
    uint64_t bytes_max;
  };
  explicit retained(const limits& l) : limits_(l) {}

  // Keeps the message for its topic, in place of an earlier one; an empty payload removes it.
  // False: a limit is reached.
  bool set(const mqtt::message_ptr& m);

  // Gives up to `max` matches, beginning behind topic `after` (from the first when `fresh`); looks
  // at no more than `looked_max` topics. Returns where to go on, or nothing more (done).
  struct progress {
    bool done = true;
    std::string after;
  };
  template <class F>
  progress collect(std::string_view filter, std::string_view after, bool fresh, size_t max,
                   uint64_t now_ms, F&& f);

  size_t messages() const { return by_topic_.size(); }
  uint64_t bytes() const { return bytes_; }

 private:
  static constexpr size_t looked_per_match = 16;
  using map = absl::btree_map<std::string, mqtt::message_ptr, std::less<>>;

  static std::string_view literal_prefix(std::string_view filter) {
    return filter.substr(0, filter.find_first_of("+#"));
  }
  map::iterator drop(map::iterator it) {
    bytes_ -= it->second->footprint();
    return by_topic_.erase(it);
  }

  limits limits_;
  map by_topic_;
  uint64_t bytes_ = 0;
};

template <class F>
retained::progress retained::collect(std::string_view filter, std::string_view after, bool fresh,
                                     size_t max, uint64_t now_ms, F&& f) {
  if (!mqtt::has_wildcard(filter)) {
    auto it = by_topic_.find(filter);
    if (it == by_topic_.end()) return {};
    if (it->second->expired(now_ms)) {
      drop(it);
      return {};
    }
    f(it->second);
    return {};
  }
  std::string_view prefix = literal_prefix(filter);
  // "a/#" matches "a" too, which sorts before "a/".
  if (!prefix.empty() && filter.size() == prefix.size() + 1 && filter.back() == '#')
    prefix.remove_suffix(1);
  auto it = fresh ? by_topic_.lower_bound(prefix) : by_topic_.upper_bound(after);
  size_t given = 0, looked = 0;
  std::string last;
  while (it != by_topic_.end() && std::string_view(it->first).substr(0, prefix.size()) == prefix) {
    if (given == max || looked == max * looked_per_match) return {false, last};
    ++looked;
    last = it->first;
    if (it->second->expired(now_ms)) {
      it = drop(it);
      continue;
    }
    if (mqtt::matches(filter, it->first)) {
      f(it->second);
      ++given;
    }
    ++it;
  }
  return {};
}

}  // namespace dunlin::core
