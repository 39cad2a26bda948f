// Sorts the publishes of one read by where they go. One for each reactor thread: a read is handled
// in one piece, so its vectors are used again instead of being a part of every session.
//
//   router& r = router::of_this_thread(directory);  r.add({msg, slot});
//   r.send_all(session, read, gate);
#pragma once

#include <vector>

#include "broker/actors.hpp"
#include "broker/directory.hpp"

namespace dunlin {

class router {
 public:
  void add(const directory& d, publish_item&& item) {
    batch(d, item.routed_to(), item.delay_s != 0).push_back(std::move(item));
  }
  // What is neither delayed nor routed by another topic than its own.
  void add(const directory& d, mqtt::message_ptr&& msg, uint32_t slot) {
    const std::string_view topic = msg->topic();
    // What is published together mostly has one topic: its name is looked at once.
    auto& items = topic == last_topic_ ? *last_ : batch(d, topic, false);
    last_topic_ = topic;
    last_ = &items;
    auto& item = items.emplace_back();  // not from its parts: clang 14, which fuzzes, cannot
    item.msg = std::move(msg);
    item.slot = slot;
  }
  uint32_t batches() const { return static_cast<uint32_t>(touched_.size()); }

  // Nobody waits for the answer. `keeps` is the session of `origin`: it may end before the batch
  // is handled.
  void send_unanswered(const directory& d, session_gate* origin, caf::strong_actor_ptr keeps) {
    nobody sender{std::move(keeps)};
    send_all(sender, d, 0, origin);
  }

  template <class Self>
  void send_all(Self& self, const directory& d, uint32_t read, session_gate* origin) {
    for (size_t to : touched_) {
      publish_batch b{read, {}, origin};
      // The vector leaves with the message; the next one starts at the size that this publisher
      // needs.
      const size_t size = batches_[to].size();
      b.items.swap(batches_[to]);
      batches_[to].reserve(size);
      if (to < d.shards.size())
        self.send(d.shards[to], std::move(b));
      else
        self.send(d.registries[to - d.shards.size()], std::move(b));
    }
    touched_.clear();
    last_topic_ = {};
  }

  static router& of_this_thread() {
    static thread_local router r;
    return r;
  }

 private:
  std::vector<publish_item>& batch(const directory& d, std::string_view topic, bool delayed) {
    const size_t shards = d.shards.size();
    // A delayed message waits in the shard of its topic, a p2p one too.
    const auto client = delayed ? std::string_view() : directory::p2p_target(topic);
    const size_t to = client.empty() ? d.shard_of(topic) : shards + d.registry_of(client);
    if (to >= batches_.size()) [[unlikely]]  // the first of this directory: nothing is added yet
      batches_.resize(shards + d.registries.size());
    auto& items = batches_[to];
    if (items.empty()) touched_.push_back(to);
    return items;
  }

  struct nobody {
    caf::strong_actor_ptr keeps;
    template <class To>
    void send(const To& to, publish_batch b) {
      b.keeps = keeps;
      caf::anon_send(to, std::move(b));
    }
  };

  std::vector<std::vector<publish_item>> batches_;
  std::vector<size_t> touched_;
  std::string_view last_topic_;  // of the last message, in it; empty: none
  std::vector<publish_item>* last_ = nullptr;
};

}  // namespace dunlin
