// The `topics` section in the form in which shards and sessions use it (a part of settings.hpp).
//
// Made by config_topics.cpp; what is off is null or empty.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <memory>
#include <string>
#include <vector>

#include "broker/core/shared_group.hpp"
#include "broker/core/topic_pattern.hpp"
#include "broker/core/topic_rewrite.hpp"
#include "broker/metrics/topic_meters.hpp"
#include "broker/mqtt/packet.hpp"

namespace dunlin {

struct auto_subscription {
  core::topic_pattern filter;
  mqtt::subscription_options options;
};

struct topic_settings {
  core::share_strategy shared = core::share_strategy::round_robin;
  absl::flat_hash_map<std::string, core::share_strategy> shared_groups = {};  // by name
  std::shared_ptr<const core::topic_rewrite> rewrite = {};
  std::vector<auto_subscription> auto_subscribe = {};
  std::shared_ptr<metrics::topic_meters> meters = {};

  core::share_strategy strategy_of(const std::string& group) const {
    auto it = shared_groups.find(group);
    return it == shared_groups.end() ? shared : it->second;
  }
};

}  // namespace dunlin
