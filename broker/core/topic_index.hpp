// Which subscribers' filters match a topic: a hash map for concrete filters, a trie for those with
// wildcards.
//
// The heart of a shard. Pure: no actors, no I/O. The Subscriber is a small value that tells the
// owner whom it means: key(), a pointer or number. A concrete filter takes one hash slot (shared
// text and one subscriber in place); a wildcard filter a trie node for each level that it does not
// share. Subscribers of one filter have no order: to come, to be found and to go costs the same for
// one of a million as for one of ten.
//
//   topic_index<entry> index;  index.add(filter_ptr("a/+"), e);
//   index.match("a/b", [](const entry& e) { ... });  index.remove("a/+", e.key());
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/inlined_vector.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/core/filter.hpp"
#include "broker/mqtt/topic.hpp"

namespace dunlin::core {

template <class Subscriber>
class topic_index {
 public:
  using key_type = decltype(std::declval<const Subscriber&>().key());

  // Adds it if the filter has none of its key; else that one stays as it is (false), to be changed
  // by the caller. The reference is good until the next change.
  std::pair<Subscriber&, bool> add(const filter_ptr& filter, const Subscriber& fresh) {
    subscribers& all = at(filter);
    const auto large = large_of(filter.view(), all);
    const size_t place = find(all, large, fresh.key());
    if (place < all.size()) return {all[place], false};
    all.push_back(fresh);
    if (large != large_.end())
      large->second.emplace(fresh.key(), place);
    else if (all.size() == large_from)
      for (auto& places = large_[filter]; const Subscriber& s : all)
        places.emplace(s.key(), places.size());
    return {all.back(), true};
  }
  // False: there was none.
  bool remove(std::string_view filter, key_type key) {
    subscribers* all = find(filter);
    if (!all) return false;
    const auto large = large_of(filter, *all);
    const size_t place = find(*all, large, key);
    if (place == all->size()) return false;
    if (large != large_.end()) {
      large->second[all->back().key()] = static_cast<uint32_t>(place);
      large->second.erase(key);
    }
    (*all)[place] = all->back();
    all->pop_back();
    if (large != large_.end() && all->size() < large_from / 2) {
      large_.erase(large);
      all->shrink_to_fit();
    }
    if (all->empty()) tidy(filter);
    return true;
  }

  template <class F>
  void match(std::string_view topic, F&& f) const {
    if (auto it = exact_.find(topic); it != exact_.end())
      for (const auto& s : it->second) f(s);
    if (wildcards_ == 0) return;
    // A filter that begins with a wildcard does not match a topic that begins with '$'
    // [MQTT-4.7.2-1].
    const bool hidden = !topic.empty() && topic.front() == '$';
    walk(root, topic, hidden, f);
  }

  // For topics that are matched soon: among a million filters their places are in nobody's cache.
  // The table leads to an entry and the entry to its text, so it takes three steps; done for some
  // topics at a time, each step has been waited for together when the next one needs it.
  bool is_large() const { return exact_.size() > cached_filters; }
  template <class TopicAt>
  void prefetch(size_t topics, TopicAt&& topic_at) const {
    std::array<size_t, prefetched_at_once> hashes;
    topics = std::min(topics, hashes.size());
    for (size_t i = 0; i < topics; ++i) {
      hashes[i] = text_hash{}(topic_at(i));
      exact_.prefetch(place_of{hashes[i]});
    }
    for (size_t i = 0; i < topics; ++i) exact_.contains(place_of{hashes[i]});
    for (size_t i = 0; i < topics; ++i) exact_.contains(text_of{hashes[i]});
  }
  static constexpr size_t prefetched_at_once = 16;

  size_t filters() const { return exact_.size() + wildcards_; }
  size_t nodes() const { return nodes_.size() - free_.size(); }  // of the trie, the root included

 private:
  using subscribers = absl::InlinedVector<Subscriber, 1>;

  static constexpr size_t cached_filters = 8192;
  static constexpr size_t large_from = 64;  // subscribers of one filter, found by their keys
  static constexpr uint32_t root = 0, none = ~uint32_t{0};

  // Keys that equal nothing: a search for one prefetches what it would have compared.
  struct place_of {
    size_t hash;
  };
  struct text_of {
    size_t hash;
  };
  struct hash : text_hash {
    using text_hash::operator();
    size_t operator()(place_of p) const { return p.hash; }
    size_t operator()(text_of t) const { return t.hash; }
  };
  struct equal : text_equal {
    using text_equal::operator();
    bool operator()(const filter_ptr& at, place_of) const {
      __builtin_prefetch(&at);
      return false;
    }
    bool operator()(const filter_ptr& at, text_of) const {
      at.prefetch();
      return false;
    }
    bool operator()(place_of p, const filter_ptr& at) const { return (*this)(at, p); }
    bool operator()(text_of t, const filter_ptr& at) const { return (*this)(at, t); }
  };

  struct node {
    subscribers here;
    uint32_t parent = none, plus = none, hash = none;
    uint32_t children = 0;     // literal ones, in edges_
    filter_ptr level;          // its text below the parent; empty for '+', '#' and the empty level
    char kind = 0;             // '+', '#', 'l' (literal), 0 (free)
    bool filter_ends = false;  // a filter ends here, others may lead on
  };
  struct edge {
    uint32_t parent;
    filter_ptr level;
  };
  struct edge_view {
    uint32_t parent;
    std::string_view level;
  };
  struct edge_hash {
    using is_transparent = void;
    size_t operator()(const edge_view& e) const {
      return absl::HashOf(e.parent, absl::string_view(e.level.data(), e.level.size()));
    }
    size_t operator()(const edge& e) const { return (*this)(edge_view{e.parent, e.level.view()}); }
  };
  struct edge_equal {
    using is_transparent = void;
    static edge_view view(const edge& e) { return {e.parent, e.level.view()}; }
    static edge_view view(const edge_view& e) { return e; }
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      const edge_view x = view(a), y = view(b);
      return x.parent == y.parent && x.level == y.level;
    }
  };

  static std::string_view first_level(std::string_view rest) {
    return rest.substr(0, rest.find('/'));
  }

  uint32_t literal_child(uint32_t n, std::string_view level) const {
    if (nodes_[n].children == 0) return none;
    auto it = edges_.find(edge_view{n, level});
    return it == edges_.end() ? none : it->second;
  }
  uint32_t child(uint32_t n, std::string_view level) const {
    if (level == "+") return nodes_[n].plus;
    if (level == "#") return nodes_[n].hash;
    return literal_child(n, level);
  }

  uint32_t make_node(uint32_t parent, std::string_view level) {
    uint32_t n;
    if (free_.empty()) {
      n = static_cast<uint32_t>(nodes_.size());
      nodes_.emplace_back();
    } else {
      n = free_.back();
      free_.pop_back();
    }
    node& made = nodes_[n];
    made.parent = parent;
    if (level == "+") {
      made.kind = '+';
      nodes_[parent].plus = n;
    } else if (level == "#") {
      made.kind = '#';
      nodes_[parent].hash = n;
    } else {
      made.kind = 'l';
      made.level = filter_ptr(level);
      ++nodes_[parent].children;
      edges_.emplace(edge{parent, made.level}, n);
    }
    return n;
  }

  uint32_t descend(std::string_view filter) {
    uint32_t n = root;
    for (;;) {
      const std::string_view level = first_level(filter);
      const uint32_t next = child(n, level);
      n = next == none ? make_node(n, level) : next;
      if (level.size() == filter.size()) return n;
      filter.remove_prefix(level.size() + 1);
    }
  }
  uint32_t locate(std::string_view filter) const {
    uint32_t n = root;
    for (;;) {
      const std::string_view level = first_level(filter);
      n = child(n, level);
      if (n == none || level.size() == filter.size()) return n;
      filter.remove_prefix(level.size() + 1);
    }
  }

  void prune(uint32_t n) {
    while (n != root) {
      node& at = nodes_[n];
      if (!at.here.empty() || at.children || at.plus != none || at.hash != none) return;
      const uint32_t parent = at.parent;
      if (at.kind == '+')
        nodes_[parent].plus = none;
      else if (at.kind == '#')
        nodes_[parent].hash = none;
      else {
        edges_.erase(edge_view{parent, at.level.view()});
        --nodes_[parent].children;
      }
      at.here.clear();
      at.level = {};
      at.kind = 0;
      free_.push_back(n);
      n = parent;
    }
  }

  // The subscribers of exactly this filter, made when there were none.
  subscribers& at(const filter_ptr& filter) {
    if (!mqtt::has_wildcard(filter.view())) return exact_[filter];
    node& n = nodes_[descend(filter.view())];
    if (!std::exchange(n.filter_ends, true)) ++wildcards_;
    return n.here;
  }
  // Null: there are none.
  subscribers* find(std::string_view filter) {
    if (!mqtt::has_wildcard(filter)) {
      auto it = exact_.find(filter);
      return it == exact_.end() ? nullptr : &it->second;
    }
    const uint32_t n = locate(filter);
    return n == none || !nodes_[n].filter_ends ? nullptr : &nodes_[n].here;
  }
  // Frees what a filter without subscribers held.
  void tidy(std::string_view filter) {
    if (!mqtt::has_wildcard(filter)) {
      exact_.erase(exact_.find(filter));
      return;
    }
    const uint32_t n = locate(filter);
    nodes_[n].filter_ends = false;
    --wildcards_;
    prune(n);
  }

  using places = absl::flat_hash_map<key_type, uint32_t>;
  using large_filters = absl::flat_hash_map<filter_ptr, places, text_hash, text_equal>;

  typename large_filters::iterator large_of(std::string_view filter, const subscribers& all) {
    return all.size() < large_from / 2 ? large_.end() : large_.find(filter);
  }
  // all.size(): there is none.
  size_t find(const subscribers& all, typename large_filters::iterator large, key_type key) const {
    if (large != large_.end()) {
      const auto it = large->second.find(key);
      return it == large->second.end() ? all.size() : it->second;
    }
    const auto it =
        std::find_if(all.begin(), all.end(), [&](const Subscriber& s) { return s.key() == key; });
    return static_cast<size_t>(it - all.begin());
  }

  template <class F>
  void give(uint32_t n, F& f) const {
    if (n == none) return;
    for (const auto& s : nodes_[n].here) f(s);
  }

  // Depth is bounded by the topic's levels (options.topic_levels_max).
  template <class F>
  void walk(uint32_t n, std::string_view rest, bool hidden, F& f) const {
    const node& at = nodes_[n];
    if (!hidden) give(at.hash, f);
    const std::string_view level = first_level(rest);
    const bool last = level.size() == rest.size();
    auto enter = [&](uint32_t next) {
      if (next == none) return;
      if (!last) return walk(next, rest.substr(level.size() + 1), false, f);
      give(next, f);
      give(nodes_[next].hash, f);  // "a/#" matches "a"
    };
    enter(literal_child(n, level));
    if (!hidden) enter(at.plus);
  }

  absl::flat_hash_map<filter_ptr, subscribers, hash, equal> exact_;
  absl::flat_hash_map<edge, uint32_t, edge_hash, edge_equal> edges_;
  std::vector<node> nodes_ = std::vector<node>(1);
  std::vector<uint32_t> free_;
  large_filters large_;  // where the subscribers are of filters that have many
  size_t wildcards_ = 0;
};

}  // namespace dunlin::core
