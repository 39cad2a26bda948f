#include "broker/config_guard.hpp"

#include "broker/config/utc.hpp"
#include "broker/guard/ban_list.hpp"

namespace dunlin {
namespace {

guard::ban to_ban(const proto::Ban& b) {
  using guard::ban_kind;
  guard::ban out;
  out.kind = !b.address().empty()     ? ban_kind::address
             : !b.user_name().empty() ? ban_kind::user_name
                                      : ban_kind::client_id;
  const auto& value = !b.address().empty()     ? b.address()
                      : !b.user_name().empty() ? b.user_name()
                                               : b.client_id();
  out.value = guard::ban_list::normal_value(out.kind, value).value_or("");
  out.reason = b.reason();
  out.by = "configuration";
  out.until_ms = b.until().empty() ? 0 : configuration::parse_utc(b.until()).value_or(0);
  out.source = guard::ban_source::config;
  return out;
}

guard::listener_limits to_limits(const proto::Listener& l, const proto::Limits& all) {
  guard::listener_limits out;
  out.connections_max =
      l.has_connections_max() ? l.connections_max() : all.listener_connections_max();
  out.connects_per_s = l.has_connects_per_s() ? l.connects_per_s() : all.listener_connects_per_s();
  out.messages_per_s = l.has_messages_per_s() ? l.messages_per_s() : all.listener_messages_per_s();
  out.bytes_per_s = l.has_bytes_per_s() ? l.bytes_per_s() : all.listener_bytes_per_s();
  out.client_messages_per_s =
      l.has_client_messages_per_s() ? l.client_messages_per_s() : all.client_messages_per_s();
  out.client_bytes_per_s =
      l.has_client_bytes_per_s() ? l.client_bytes_per_s() : all.client_bytes_per_s();
  out.burst_ms = l.has_burst_ms() ? l.burst_ms() : all.rate_burst_ms();
  return out;
}

}  // namespace

guard::policy to_policy(const config& c) {
  guard::policy p;
  const auto& g = c.guard();
  for (const auto& b : g.bans()) p.bans.push_back(to_ban(b));
  p.bans_max = g.bans_max();
  p.flapping = {g.flapping_connects_max(), g.flapping_window_s(), g.flapping_ban_s(),
                g.flapping_clients_max()};
  const auto& o = c.overload();
  p.overload = {o.enabled(),           o.memory_high_percent(),   o.memory_critical_percent(),
                o.memory_high_bytes(), o.memory_critical_bytes(), o.reactor_lag_ms()};
  for (const auto& l : c.listeners()) p.listeners.emplace_back(l.name(), to_limits(l, c.limits()));
  p.rate_patience_ms = c.limits().rate_patience_ms();
  p.rate_disconnects = c.limits().rate_answer() == proto::Limits::DISCONNECT;
  return p;
}

}  // namespace dunlin
