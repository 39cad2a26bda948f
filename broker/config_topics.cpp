#include "broker/config_topics.hpp"

namespace dunlin {

topic_settings to_topic_settings(const config& c) {
  const auto& from = c.topics();
  topic_settings t;
  const auto strategy = [](proto::Topics::Strategy s) {
    return static_cast<core::share_strategy>(s);
  };
  static_assert(static_cast<int>(core::share_strategy::round_robin) == proto::Topics::ROUND_ROBIN);
  static_assert(static_cast<int>(core::share_strategy::sticky) == proto::Topics::STICKY);
  static_assert(static_cast<int>(core::share_strategy::hash_topic) == proto::Topics::HASH_TOPIC);
  t.shared = strategy(from.shared_strategy());
  for (const auto& g : from.shared_groups()) t.shared_groups[g.group()] = strategy(g.strategy());
  if (from.rewrite_size() > 0) {
    auto rules = std::make_shared<core::topic_rewrite>();
    for (const auto& r : from.rewrite())  // faults were told by configuration::check_topics
      rules->add({r.action() != proto::Topics::Rewrite::SUBSCRIBE,
                  r.action() != proto::Topics::Rewrite::PUBLISH, r.filter(), r.regex(), r.to()});
    t.rewrite = std::move(rules);
  }
  for (const auto& a : from.auto_subscribe())
    t.auto_subscribe.push_back({core::topic_pattern(a.filter(), 0),
                                {.qos = static_cast<uint8_t>(a.qos()),
                                 .no_local = a.no_local(),
                                 .retain_as_published = a.retain_as_published(),
                                 .retain_handling = static_cast<uint8_t>(a.retain_handling())}});
  if (from.metrics_size() > 0)
    t.meters = std::make_shared<metrics::topic_meters>(
        std::vector<std::string>(from.metrics().begin(), from.metrics().end()));
  return t;
}

}  // namespace dunlin
