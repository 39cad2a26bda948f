// The retained messages of one shard, by topic (MQTT 5.0 section 3.3.1.3).
//
// Ordered by topic, so that a subscription with wildcards looks only at the topics that begin with
// its literal part, and can be served piece by piece: a storm of a million retained messages never
// holds a shard or its memory. A message costs eight bytes here besides itself.
//
//   store.set(msg);  store.collect("a/+/c", from, budget, now, [](const message_ptr& m) {...})
#pragma once

#include <absl/container/btree_set.h>

#include <algorithm>
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
  void set_limits(const limits& l) { limits_ = l; }  // what is kept stays

  // Keeps the message for its topic, in place of an earlier one; an empty payload removes it.
  // False: a limit is reached.
  bool set(const mqtt::message_ptr& m);

  // What one piece of work may take: matches, their bytes (the last may exceed it), topics looked
  // at. collect() takes off what it used.
  struct budget {
    size_t messages;
    size_t bytes = ~size_t{0};
    size_t topics = ~size_t{0};
  };
  // Gives matches, beginning with topic `from` (empty: the first), as far as the budget goes.
  // Returns where to go on, or nothing more (done).
  struct progress {
    bool done = true;
    std::string next;
  };
  template <class F>
  progress collect(std::string_view filter, std::string_view from, budget& b, uint64_t now_ms,
                   F&& f);
  // False: collect() would find nothing. One look-up; most subscriptions need no more.
  bool may_match(std::string_view filter) const {
    const std::string_view first = first_topic(filter);
    const auto it = by_topic_.lower_bound(first);
    return it != by_topic_.end() && in_reach((*it)->topic(), first, mqtt::has_wildcard(filter));
  }

  size_t messages() const { return by_topic_.size(); }
  uint64_t bytes() const { return bytes_; }

 private:
  struct topic_less {
    using is_transparent = void;
    static std::string_view topic(const mqtt::message_ptr& m) { return m->topic(); }
    static std::string_view topic(std::string_view t) { return t; }
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return topic(a) < topic(b);
    }
  };
  using set_type = absl::btree_set<mqtt::message_ptr, topic_less>;

  // What topics that the filter matches begin with, and so the first of them in order.
  static std::string_view first_topic(std::string_view filter) {
    const size_t literal = std::min(filter.find_first_of("+#"), filter.size());
    // "a/#" matches "a" too, which sorts before "a/".
    const bool parent = literal > 0 && filter.size() == literal + 1 && filter.back() == '#';
    return filter.substr(0, literal - parent);
  }
  static bool in_reach(std::string_view topic, std::string_view first, bool wild) {
    return wild ? topic.substr(0, first.size()) == first : topic == first;
  }
  set_type::iterator drop(set_type::iterator it) {
    bytes_ -= (*it)->footprint();
    return by_topic_.erase(it);
  }

  limits limits_;
  set_type by_topic_;
  uint64_t bytes_ = 0;
};

template <class F>
retained::progress retained::collect(std::string_view filter, std::string_view from, budget& b,
                                     uint64_t now_ms, F&& f) {
  const bool wild = mqtt::has_wildcard(filter);
  const std::string_view first = first_topic(filter);
  auto it = by_topic_.lower_bound(from.empty() ? first : from);
  while (it != by_topic_.end()) {
    const std::string_view topic = (*it)->topic();
    if (!in_reach(topic, first, wild)) break;
    if (b.messages == 0 || b.bytes == 0 || b.topics == 0) return {false, std::string(topic)};
    --b.topics;
    if ((*it)->expired(now_ms)) {
      it = drop(it);
      continue;
    }
    if (!wild || mqtt::matches(filter, topic)) {
      f(*it);
      --b.messages;
      b.bytes -= std::min(b.bytes, (*it)->footprint());
    }
    if (!wild) break;
    ++it;
  }
  return {};
}

}  // namespace dunlin::core
