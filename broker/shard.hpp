// A shard: the subscriptions, shared groups, rules and retained messages of its slice of the topic
// space.
//
// The slice is the hash of a topic's first two levels; a filter with a wildcard there lives in
// every shard. Pinned to one reactor. It matches the publishes of a batch against all filters,
// hands every receiver one message for the batch, and answers the publisher.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <memory>
#include <string>
#include <vector>

#include "broker/actors.hpp"
#include "broker/core/retained.hpp"
#include "broker/core/shared_group.hpp"
#include "broker/core/topic_index.hpp"
#include "broker/delivery_hub.hpp"
#include "broker/directory.hpp"
#include "broker/pinned.hpp"

namespace dunlin {

class shard : public pinned<shard_actor::base> {
 public:
  shard(caf::actor_config& c, directory& d);
  const char* name() const override { return "shard"; }
  behavior_type make_behavior() override;

 private:
  struct member {
    target* to = nullptr;
    uint32_t id = 0;
    mqtt::subscription_options options;

    bool online() const { return to->gate->online.load(std::memory_order_relaxed); }
    bool ready() const { return online() && !to->gate->congested.load(std::memory_order_relaxed); }
  };
  using group = core::shared_group<member>;
  enum class kind : uint8_t { session, group, rule };
  struct entry {
    void* to = nullptr;  // target, group or rule_target
    uint32_t id = 0;
    kind what = kind::session;
    mqtt::subscription_options options;
  };
  // Retained messages on their way to one new subscription.
  struct retained_job {
    session_gate* gate;
    core::filter_ptr filter;
    mqtt::subscription_options options;
    uint32_t id;
    std::string after;
    bool fresh = true;
  };

  void publish(publish_batch& b);
  void route_to(const entry& e, const publish_item& item, session_gate* origin, size_t expected);
  void again(const dispatch_again& d);
  void append_record(rule_target& r, const publish_item& item, session_gate* origin);
  bool retain(const publish_item& item, std::vector<core::refusal>& refusals);

  void subscribe(subscribe_to& s);
  void subscribe_shared(subscribe_to& s, target& t);
  void unsubscribe(unsubscribe_from& u);
  bool unsubscribe_shared(const unsubscribe_from& u);
  void bind(const bind_rule& b);

  void begin_retained(const subscribe_to& s);
  void stop_retained(const unsubscribe_from& u);
  void more_retained(uint64_t cursor);
  void drain(session_gate* gate);
  void count_retained();

  directory& directory_;
  delivery_hub<shard> hub_;
  core::topic_index<entry> index_;
  absl::flat_hash_map<std::string, std::unique_ptr<group>> groups_;  // "group/filter"
  std::vector<std::unique_ptr<rule_target>> rules_;
  core::retained retained_;

  // The last topic's matches: publishers repeat their topics.
  std::string matched_topic_;
  std::vector<entry> matched_;
  bool matched_valid_ = false;

  absl::flat_hash_map<uint64_t, retained_job> retained_jobs_;
  absl::flat_hash_map<session_gate*, std::vector<uint64_t>> parked_jobs_;
  uint64_t last_job_ = 0;
  uint64_t counted_messages_ = 0, counted_bytes_ = 0;
  int64_t batch_ms_ = 0;  // wall clock of the batch, for rules
};

}  // namespace dunlin
