#include "broker/config_rules.hpp"

namespace dunlin {

namespace {

rules::rule to_rule(const proto::Rule& from) {
  rules::rule r;
  r.id = from.id();
  r.type = from.type() == proto::Rule::INBOUND  ? rules::rule_type::inbound
           : from.type() == proto::Rule::STATUS ? rules::rule_type::status
                                                : rules::rule_type::outbound;
  r.topic = from.topic();
  r.queue = from.queue();
  r.group = from.group();
  if (r.group.empty() && r.type == rules::rule_type::inbound) r.group = "DUNLIN_" + r.id;
  r.format = from.format() == proto::Rule::ENVELOPE ? rules::rule_format::envelope
                                                    : rules::rule_format::message;
  r.order =
      from.order() == proto::Rule::DEVICE ? rules::rule_order::device : rules::rule_order::none;
  r.ack = from.acknowledge() == proto::Rule::DELIVERED ? rules::acknowledge::delivered
                                                       : rules::acknowledge::stored;
  r.policy = from.unroutable() == proto::Rule::DEAD_LETTER ? rules::unroutable::dead_letter
                                                           : rules::unroutable::ack;
  r.spool_bytes_max = from.spool_bytes_max();
  r.in_flight_max = from.in_flight_max();
  r.envelope_messages_max = from.envelope_messages_max();
  r.linger = std::chrono::milliseconds(from.linger_ms());
  r.retry_min = std::chrono::milliseconds(from.retry_min_ms());
  r.retry_max = std::chrono::milliseconds(from.retry_max_ms());
  return r;
}

}  // namespace

rules::rules_config to_rules(const config& c) {
  rules::rules_config out;
  for (const auto& r : c.rules()) out.rules.push_back(to_rule(r));
  out.data_dir = c.node().data_dir();
  using sync = enum rules::rules_config::sync;  // the member of that name hides it
  out.sync = c.store().sync() == proto::Store::NEVER      ? sync::never
             : c.store().sync() == proto::Store::INTERVAL ? sync::interval
                                                          : sync::always;
  out.sync_interval = std::chrono::milliseconds(c.store().interval_ms());
  return out;
}

}  // namespace dunlin
