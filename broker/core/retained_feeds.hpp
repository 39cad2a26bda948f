// Retained messages on their way to new subscriptions: page by page, one receiver after the other.
//
// The pacing half of a shard's retained messages. Pure. A receiver has at most one page that it has
// not taken: the next is made when it gives credit, so what a storm holds in memory is one page for
// each receiver, and nothing needs to be dropped. A page is bounded in messages, bytes and topics
// looked at, so it takes a bounded time; receivers take turns. What a receiver gets meanwhile as it
// is published does not come once more as retained (but for what exceeds came_max).
//
//   feeds.add(receiver, {.filter = f, ...});
//   while (feeds.runnable()) { auto p = feeds.next(store, budget, now, give); send p.to its page; }
//   feeds.credit(p.number);   // the receiver has room again
//   feeds.published(receiver, m, true);  // m is retained now, and it was sent m as it came
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <deque>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "broker/core/filter.hpp"
#include "broker/core/retained.hpp"

namespace dunlin::core {

// Receiver is a pointer; Options is what the subscription wants, passed through.
template <class Receiver, class Options>
class retained_feeds {
 public:
  static constexpr size_t came_max = 10'000;  // messages that a job knows to have come
  struct job {
    filter_ptr filter;
    Options options{};
    std::string next{};                                // topic to go on with; empty: from the first
    absl::flat_hash_set<const mqtt::message*> came{};  // sent as they were published
  };
  struct page {
    Receiver to = nullptr;
    uint64_t number = 0;  // names it in credit(); 0: nothing was found
  };

  // A subscription that is made anew begins anew.
  void add(Receiver to, job j) {
    feed& f = feeds_[to];
    const auto [at, added] = f.by_filter.try_emplace(j.filter);
    if (added) at->second = f.jobs.emplace(f.jobs.end());
    *at->second = std::move(j);
    queue(to, f);
  }
  void stop(Receiver to, std::string_view filter) {
    auto it = feeds_.find(to);
    if (it == feeds_.end()) return;
    feed& f = it->second;
    const auto at = f.by_filter.find(filter);
    if (at == f.by_filter.end()) return;
    f.jobs.erase(at->second);
    f.by_filter.erase(at);
  }
  // The receiver ends. Its turn may stay in the queue and come to nothing, or to another receiver
  // that has its address.
  void forget(Receiver to) { feeds_.erase(to); }
  void credit(Receiver to, uint64_t number) {
    auto it = feeds_.find(to);
    if (it == feeds_.end() || it->second.out != number) return;
    it->second.out = 0;
    queue(to, it->second);
  }

  // sent: it got the message as it was published. Called for each message that is retained while
  // the receiver waits: one may lie where another was that has been replaced.
  void published(Receiver to, const mqtt::message_ptr& m, bool sent) {
    auto it = feeds_.find(to);
    if (it == feeds_.end()) return;
    for (job& j : it->second.jobs) {
      if (!mqtt::matches(j.filter.view(), m->topic())) continue;
      if (!sent)
        j.came.erase(m.get());
      else if (j.came.size() < came_max)
        j.came.insert(m.get());
    }
  }

  bool empty() const { return feeds_.empty(); }
  bool runnable() const { return !turn_.empty(); }

  // The next receiver's page, as far as the budget goes: give(options, message) for each.
  template <class Give>
  page next(retained& store, retained::budget& b, uint64_t now_ms, Give&& give) {
    const Receiver to = turn_.front();
    turn_.pop_front();
    const auto it = feeds_.find(to);
    if (it == feeds_.end() || !it->second.queued) return {to, 0};
    feed& f = it->second;
    f.queued = false;
    bool any = false;
    while (!f.jobs.empty() && b.messages > 0 && b.bytes > 0 && b.topics > 0) {
      job& j = f.jobs.front();
      auto at = store.collect(j.filter.view(), j.next, b, now_ms, [&](const mqtt::message_ptr& m) {
        if (j.came.contains(m.get())) return;
        any = true;
        give(to, j.options, m);
      });
      j.next = std::move(at.next);
      if (!at.done) break;
      f.by_filter.erase(j.filter);
      f.jobs.pop_front();
      if (b.topics > 0) --b.topics;  // a look-up that finds nothing is work too
    }
    if (any) {
      f.out = ++last_;
      return {to, last_};
    }
    if (f.jobs.empty())
      feeds_.erase(it);
    else
      queue(to, f);
    return {to, 0};
  }

 private:
  struct feed {
    std::list<job> jobs;
    absl::flat_hash_map<filter_ptr, typename std::list<job>::iterator, text_hash, text_equal>
        by_filter;
    uint64_t out = 0;  // the page that it has not taken yet; 0: none
    bool queued = false;
  };

  void queue(Receiver to, feed& f) {
    if (f.queued || f.out != 0) return;
    f.queued = true;
    turn_.push_back(to);
  }

  absl::flat_hash_map<Receiver, feed> feeds_;
  std::deque<Receiver> turn_;
  uint64_t last_ = 0;
};

}  // namespace dunlin::core
