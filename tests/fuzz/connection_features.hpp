// What connection_fuzz switches on at a node: one bit each of a program's first byte.
#pragma once

#include <memory>
#include <string>

#include "broker/access/users.hpp"
#include "broker/core/topic_rewrite.hpp"
#include "broker/operate/traces.hpp"
#include "tests/sim/world.hpp"

namespace dunlin::sim {

struct features {
  explicit features(uint8_t bits) : bits(bits) {}
  bool topics() const { return bits & 1; }     // rewritten, subscribed to by themselves
  bool users() const { return bits & 2; }      // passwords and SCRAM; others are let in too
  bool rates() const { return bits & 4; }      // who sends much waits
  bool less() const { return bits & 8; }       // QoS 1, nothing retained, no wildcards, no sharing
  bool tight() const { return bits & 16; }     // small payloads, flat topics, one batch at a time
  bool traced() const { return bits & 32; }    // the first client
  bool bound() const { return bits & 64; }     // a/b to a rule, which answers late
  bool failing() const { return bits & 128; }  // ... or with an error
  explicit operator bool() const { return bits != 0; }

  static constexpr uint64_t memory_limit = 1'000'000;  // bytes; 200 are too many, 300 far too many

  void change(options& o) const {
    if (less()) {
      o.qos_max = 1;
      o.retain_available = o.wildcard_available = o.shared_available = false;
    }
    if (tight()) {
      o.payload_bytes_max = 8;
      o.topic_levels_max = 2;
      o.batches_outstanding_max = 1;
      o.queue_qos0 = true;
    }
  }
  // The rule, when there is one.
  fake_rule* switch_on(world& w) const {
    w.change_settings([this](settings& s) {
      if (topics()) s.topics = some_topics();
      if (users()) s.users = some_users();
      s.mqtt.validate_payload_format = less();
      s.mqtt.response_topic_prefix = "answers/%c";
      s.guard.overload = {.enabled = true, .memory_high_bytes = 200, .memory_critical_bytes = 300};
      if (!rates()) return;
      s.guard.listeners = {
          {"tcp",
           {.messages_per_s = 1000, .client_messages_per_s = 20, .client_bytes_per_s = 4000}}};
      s.guard.rate_patience_ms = 1000;
      s.guard.rate_disconnects = false;  // the client that behaves stays
    });
    if (traced()) trace(w, "c0");
    if (!bound()) return nullptr;
    fake_rule& rule = w.bind_rule_to("a/b");
    rule.how = failing() ? fake_rule::mode::fail : fake_rule::mode::hold;
    return &rule;
  }

 private:
  topic_settings some_topics() const {
    topic_settings t;
    auto rewrite = std::make_shared<core::topic_rewrite>();
    rewrite->add({.filter = "a/#", .regex = "^a/(.)$", .to = "b/$1"});
    rewrite->add({.filter = "home/#", .regex = "^home/(.+)$", .to = "$1/%c"});
    rewrite->add({.filter = "x/#", .regex = "^x(.*)$", .to = "$1#"});
    t.rewrite = std::move(rewrite);
    t.auto_subscribe = {{core::topic_pattern("own/%c", 0), {.qos = 1}},
                        {core::topic_pattern("$share/g/b/+", 0), {.qos = 2}}};
    t.shared = static_cast<core::share_strategy>((bits >> 2) % 6);
    return t;
  }
  static std::shared_ptr<const access::user_table> some_users() {
    static const auto users = [] {
      auto t = std::make_shared<access::user_table>("a secret");
      t->add_password("ann", "secret");
      return t;
    }();
    return users;
  }
  static void trace(world& w, const std::string& client) {
    auto t = w.dir().traces.start(
        {.client_id = client, .milliseconds = 300'000, .payload_bytes = 16}, {}, w.now_ms());
    if (t.ok()) caf::anon_send(w.dir().registries[w.dir().registry_of(client)], begin_trace{*t});
    w.run();
  }

  uint8_t bits;
};

}  // namespace dunlin::sim
