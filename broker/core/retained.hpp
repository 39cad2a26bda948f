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

  static std::string_view literal_prefix(std::string_view filter) {
    return filter.substr(0, filter.find_first_of("+#"));
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
  std::string_view prefix = wild ? literal_prefix(filter) : filter;
  // "a/#" matches "a" too, which sorts before "a/".
  if (wild && !prefix.empty() && filter.size() == prefix.size() + 1 && filter.back() == '#')
    prefix.remove_suffix(1);
  auto it = by_topic_.lower_bound(from.empty() ? prefix : from);
  while (it != by_topic_.end()) {
    const std::string_view topic = (*it)->topic();
    if (wild ? topic.substr(0, prefix.size()) != prefix : topic != filter) break;
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
