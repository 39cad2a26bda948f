// A shard: the subscriptions, shared groups, rules and retained messages of its slice of the topic
// space.
//
// The slice is the hash of a topic's first two levels; a filter with a wildcard there lives in
// every shard. Pinned to one reactor. It matches the publishes of a batch against all filters,
// hands every receiver one message for the batch, and answers the publisher.
//   shard.cpp            publishing
//   shard_subscribe.cpp  subscriptions, the members of shared ones
//   shard_retained.cpp   retained messages for new subscriptions
//   shard_delayed.cpp    messages that wait for their time
#pragma once

#include <absl/container/flat_hash_map.h>

#include <memory>
#include <string>
#include <vector>

#include "broker/actors.hpp"
#include "broker/core/delayed.hpp"
#include "broker/core/retained.hpp"
#include "broker/core/retained_feeds.hpp"
#include "broker/core/shared_group.hpp"
#include "broker/core/topic_index.hpp"
#include "broker/delivery_hub.hpp"
#include "broker/directory.hpp"
#include "broker/pinned.hpp"
#include "broker/rule_stores.hpp"

namespace dunlin {

class shard : public pinned<shard_actor::base> {
 public:
  shard(caf::actor_config& c, directory& d);
  ~shard() override;
  const char* name() const override { return "shard"; }
  behavior_type make_behavior() override;
  // From CAF: what is published goes straight to its function.
  caf::invoke_message_result consume(caf::mailbox_element& m) override;

 private:
  net::reactor* place() override {
    return directory_.reactors[directory_.placement.of_each(number_)];
  }
  void handled() override { flush(); }
  void leave_home() override {
    delayed_timer_.cancel();
    stores_.leave_home();
  }
  void arrive_home() override {
    arm_delayed();
    stores_.arrive_home();
  }

  struct member {
    target* to = nullptr;
    uint32_t id = 0;
    mqtt::subscription_options options;
    uint64_t client_hash = 0;
    bool keeps = false;  // it was given messages while offline

    core::standing standing() const;
    uint64_t outstanding() const;
    uint64_t hash() const { return client_hash; }
  };
  struct group : core::shared_group<member> {
    core::filter_ptr filter;
    core::shared_text name;
    uint32_t share = 0;  // as deliveries name it
    core::share_strategy strategy{};
    const settings* seen = nullptr;  // strategy is of these
  };
  enum class kind : uint8_t { session, group, rule };
  struct entry {
    void* to = nullptr;  // target, group or rule_target
    uint32_t id = 0;
    kind what = kind::session;
    mqtt::subscription_options options;

    const void* key() const { return to; }
  };
  struct feed_options {
    uint8_t qos = 0;
    uint32_t id = 0;
  };
  using feeds = core::retained_feeds<session_gate*, feed_options>;
  struct delayed_timer : net::timer {
    shard* owner = nullptr;
  };

  void flush() {
    stores_.flush();
    hub_.flush();
  }
  void publish(publish_batch& b);
  void publish_one(const publish_item& item, session_gate* origin, size_t expected,
                   std::vector<core::refusal>& refusals);
  void publish_held(const publish_item& item, session_gate* origin);
  void match(std::string_view topic);
  void route_to(const entry& e, const publish_item& item, session_gate* origin, size_t expected);
  void give_member(group& g, const mqtt::message_ptr& msg, std::string_view topic,
                   session_gate* origin, size_t expected, bool again);
  member* pick(group& g, std::string_view topic, const session_gate* origin);
  group* find_group(const core::shared_text& name, const core::filter_ptr& filter);
  void again(const dispatch_again& d);
  void append_record(rule_target& r, const publish_item& item, session_gate* origin);
  core::retained::limits retained_limits() const;  // this shard's part of the node's
  bool retain(const publish_item& item, std::vector<core::refusal>& refusals);

  void subscribe(subscribe_to& s);
  void subscribe_shared(subscribe_to& s, target& t);
  void online(const member_online& m);
  void call_in(group& g, const session_gate* but);
  void unsubscribe(unsubscribe_from& u);
  bool unsubscribe_shared(const unsubscribe_from& u);
  void bind(const bind_rule& b);

  void begin_retained(const subscribe_to& s);
  void published_retained(const publish_item& item, const session_gate* origin);
  void schedule_retained();
  void feed();
  void count_retained();

  void hold(const publish_item& item, session_gate* origin, std::vector<core::refusal>& refusals);
  bool room_to_hold(size_t bytes) const;
  void publish_due();
  void arm_delayed();
  void count_delayed();

  directory& directory_;
  const uint32_t number_;  // of the directory's shards: there is one for each reactor
  delivery_hub<shard> hub_;
  rule_stores<shard> stores_;
  core::topic_index<entry> index_;
  absl::flat_hash_map<std::string, std::unique_ptr<group>> groups_;  // "group/filter"
  std::vector<std::unique_ptr<rule_target>> rules_;
  core::retained retained_;

  // The last topic's matches: publishers repeat their topics.
  std::string matched_topic_;
  std::vector<entry> matched_;
  bool matched_valid_ = false;
  uint64_t matched_meters_ = 0;              // bits of topics.metrics
  const settings* meters_of_ = nullptr;      // ... of these settings
  metrics::topic_meters* meters_ = nullptr;  // null: nothing is measured

  feeds feeds_;
  bool feed_scheduled_ = false;
  uint64_t counted_messages_ = 0, counted_bytes_ = 0;
  core::delayed delayed_;
  uint64_t counted_delayed_bytes_ = 0;
  delayed_timer delayed_timer_;
  session_gate* delayed_origin_ = nullptr;  // stands for the publisher of a message that was held
  uint64_t random_;
  int64_t batch_ms_ = 0;  // wall clock of the batch, for rules
};

}  // namespace dunlin
