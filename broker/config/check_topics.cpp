#include "broker/config/check_topics.hpp"

#include <algorithm>

#include "broker/core/topic_pattern.hpp"
#include "broker/core/topic_rewrite.hpp"
#include "broker/metrics/topic_meters.hpp"
#include "broker/mqtt/topic.hpp"

namespace dunlin::configuration {

namespace {

using proto::Topics;

void check_groups(const checker& k) {
  const auto& groups = k.config.topics().shared_groups();
  for (int i = 0; i < groups.size(); ++i) {
    const std::string key = "topics.shared_groups." + std::to_string(i) + ".group";
    const std::string& name = groups[i].group();
    if (name.empty() || name.find_first_of("/+#") != name.npos)
      k.fault(key, '"' + name + "\" is not the name of a group",
              "what stands behind $share/, without / + #");
    for (int j = 0; j < i; ++j)
      if (groups[j].group() == name)
        k.fault(key,
                "the group \"" + name + "\" has its strategy from topics.shared_groups." +
                    std::to_string(j),
                "give each group one entry");
  }
}

void check_rewrites(const checker& k) {
  core::topic_rewrite rules;
  const auto& all = k.config.topics().rewrite();
  for (int i = 0; i < all.size(); ++i) {
    const auto& r = all[i];
    const std::string path = "topics.rewrite." + std::to_string(i);
    const auto fault =
        rules.add({r.action() != Topics::Rewrite::SUBSCRIBE, r.action() != Topics::Rewrite::PUBLISH,
                   r.filter(), r.regex(), r.to()});
    if (fault) k.fault(path + '.' + std::string(fault->key), fault->what, fault->hint);
  }
}

void check_auto_subscriptions(const checker& k) {
  const auto& all = k.config.topics().auto_subscribe();
  for (int i = 0; i < all.size(); ++i) {
    const std::string path = "topics.auto_subscribe." + std::to_string(i);
    const std::string& filter = all[i].filter();
    const std::string example = core::topic_pattern(filter, 0).example();
    if (!mqtt::valid_topic_filter(example))
      k.fault(path + ".filter", '"' + filter + "\" is not a topic filter",
              "for example \"clients/%c/commands\"");
    else if (all[i].no_local() && mqtt::parse_shared(example))
      k.fault(path + ".no_local", "has no meaning for a shared subscription",
              "remove it [MQTT-3.8.3-4]");
  }
}

void check_meters(const checker& k) {
  const auto& all = k.config.topics().metrics();
  constexpr int most = metrics::topic_meters::filters_max;
  if (all.size() > most)
    k.fault("topics.metrics",
            std::to_string(all.size()) + " filters are more than " + std::to_string(most),
            "measure fewer, wider filters");
  for (int i = 0; i < all.size(); ++i) {
    const std::string key = "topics.metrics." + std::to_string(i);
    if (!mqtt::valid_topic_filter(all[i]) || mqtt::parse_shared(all[i]))
      k.fault(key, '"' + all[i] + "\" is not a topic filter", "for example \"sensors/#\"");
    if (std::find(all.begin(), all.begin() + i, all[i]) != all.begin() + i)
      k.fault(key, "the filter \"" + all[i] + "\" is there already", "name it once");
  }
}

}  // namespace

void check_topics(const checker& k) {
  check_groups(k);
  check_rewrites(k);
  check_auto_subscriptions(k);
  check_meters(k);
}

}  // namespace dunlin::configuration
