#include "broker/guard/node_guard.hpp"

#include "base/wall_clock.hpp"

namespace dunlin::guard {

using mqtt::reason;

const policy node_guard::none{};

namespace {

constexpr uint64_t expiry_look_ms = 10'000;

who to_who(const applicant& a) { return {a.client_id, a.user_name, address_of_peer(a.peer)}; }

refusal refused(const ban& b) {
  return {reason::banned, b.reason.empty() ? "banned" : "banned: " + b.reason};
}

}  // namespace

node_guard::node_guard() : ban_list([this] { return wall_clock_(); }), wall_clock_(wall_clock_ms) {}

void node_guard::apply(const policy& p) {
  policy_.store(&p, std::memory_order_release);
  {
    std::lock_guard lock(listeners_mutex_);
    static const listener_limits unlimited{};
    for (auto& l : listeners_) {
      const listener_limits* limits = &unlimited;
      for (const auto& [name, its] : p.listeners)
        if (name == l.name()) limits = &its;
      l.set_limits(*limits);
    }
  }
  watching_ = p.any_rate() || load.level() != pressure::normal;
  ban_list.apply(p);
}

listener_guard& node_guard::listener(const std::string& name) {
  std::lock_guard lock(listeners_mutex_);
  for (auto& l : listeners_)
    if (l.name() == name) return l;
  auto& l = listeners_.emplace_back(name);
  for (const auto& [its_name, limits] : now().listeners)
    if (its_name == name) l.set_limits(limits);
  return l;
}

bool node_guard::peer_banned(std::string_view peer) const {
  if (!ban_list.any()) return false;
  const auto a = address_of_peer(peer);
  return a && ban_list.address_banned(*a);
}

std::optional<refusal> node_guard::banned(const applicant& a) const {
  if (!ban_list.any()) return {};
  if (const auto b = ban_list.find(to_who(a))) return refused(*b);
  return {};
}

std::optional<refusal> node_guard::admit(listener_guard* l, const applicant& a, uint64_t now_ms) {
  if (load.level() != pressure::normal) {
    ++overload_refused_;
    if (load.cause() == pressure_cause::memory)
      return refusal{reason::quota_exceeded, "the node is short of memory"};
    return refusal{reason::server_unavailable, "the node is overloaded"};
  }
  if (auto r = banned(a)) return r;
  if (l == nullptr) return {};
  const listener_limits& limits = l->limits();
  if (limits.connections_max && l->open() > limits.connections_max)
    return refusal{reason::quota_exceeded, "connections_max of the listener is reached"};
  if (limits.connects_per_s && !l->take_connect(now_ms))
    return refusal{reason::connection_rate_exceeded, "connects_per_s of the listener is reached"};
  return {};
}

std::optional<refusal> node_guard::connected(const applicant& a, uint64_t now_ms) {
  if (auto r = banned(a)) return r;
  if (now().flapping.connects_max == 0) return {};
  if (const auto b = ban_list.connected(a.client_id, now_ms)) return refused(*b);
  return {};
}

void node_guard::look(uint64_t lag_ms, uint64_t now_ms) {
  const policy& p = now();
  const pressure level = load.look(p.overload, lag_ms, now_ms);
  watching_ = p.any_rate() || level != pressure::normal;
  if (now_ms - expired_looked_ms_ >= expiry_look_ms) {
    expired_looked_ms_ = now_ms;
    ban_list.remove_expired();
  }
}

}  // namespace dunlin::guard
