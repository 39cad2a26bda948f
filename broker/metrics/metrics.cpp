#include "broker/metrics/metrics.hpp"

#include <functional>

#include "base/version.hpp"
#include "broker/metrics/text.hpp"

namespace dunlin::metrics {

namespace {

using blocks = std::vector<const counters*>;
using getter = std::function<const relaxed_counter&(const counters&)>;

struct series {
  std::string label;  // value of the family's label; empty: none
  getter of;
  bool only_if_any = false;  // not shown at zero: many are possible, few happen
};
struct family {
  const char* name;
  metric_type type;
  const char* help;
  const char* label;
  std::vector<series> all;
};

getter one(relaxed_counter counters::*m) {
  return [m](const counters& c) -> const relaxed_counter& { return c.*m; };
}
std::vector<series> plain(relaxed_counter counters::*m) { return {{"", one(m)}}; }

std::vector<series> by_type(counters_by_type counters::*m) {
  constexpr const char* names[] = {"connect",  "connack", "publish",   "puback",     "pubrec",
                                   "pubrel",   "pubcomp", "subscribe", "suback",     "unsubscribe",
                                   "unsuback", "pingreq", "pingresp",  "disconnect", "auth"};
  std::vector<series> out;
  for (uint8_t i = 1; i <= 15; ++i)
    out.push_back({names[i - 1], [m, i](const counters& c) -> const relaxed_counter& {
                     return (c.*m)[static_cast<mqtt::packet_type>(i)];
                   }});
  return out;
}

std::vector<series> by_qos(counters_by_qos counters::*m) {
  std::vector<series> out;
  for (uint8_t q = 0; q < 3; ++q)
    out.push_back({std::to_string(q),
                   [m, q](const counters& c) -> const relaxed_counter& { return (c.*m)[q]; }});
  return out;
}

std::vector<series> by_reason(counters_by_reason counters::*m) {
  std::vector<series> out;
  constexpr uint8_t first = 0x80;
  constexpr auto last = static_cast<uint8_t>(mqtt::reason::wildcard_subscriptions_not_supported);
  for (uint8_t r = first; r <= last; ++r)
    out.push_back({std::string(mqtt::to_string(static_cast<mqtt::reason>(r))),
                   [m, r](const counters& c) -> const relaxed_counter& {
                     return (c.*m)[static_cast<mqtt::reason>(r)];
                   },
                   true});
  return out;
}

std::vector<series> disconnects() {
  std::vector<series> out = by_reason(&counters::disconnects);
  out.push_back({"client", one(&counters::disconnected_by_client)});
  out.push_back({"connection_lost", one(&counters::connections_lost)});
  out.push_back({"connect_timeout", one(&counters::connect_timeouts)});
  return out;
}

std::vector<series> drops() {
  constexpr const char* names[] = {"no_subscriber", "queue_full",    "slow_subscriber", "too_large",
                                   "session_ended", "not_connected", "no_rule"};
  static_assert(std::size(names) == drop_reasons);
  std::vector<series> out;
  for (size_t i = 0; i < drop_reasons; ++i)
    out.push_back({names[i], [i](const counters& c) -> const relaxed_counter& {
                     return c.dropped[static_cast<drop_reason>(i)];
                   }});
  return out;
}

const std::vector<family>& table() {
  constexpr auto counter = metric_type::counter, gauge = metric_type::gauge;
  static const std::vector<family> all = {
      {"dunlin_connections", gauge, "Network connections open now.", "",
       plain(&counters::connections)},
      {"dunlin_connections_total", counter, "Network connections accepted.", "",
       plain(&counters::connections_total)},
      {"dunlin_connects_refused_total", counter, "CONNECTs answered with an error.", "reason",
       by_reason(&counters::connects_refused)},
      {"dunlin_disconnects_total", counter,
       "Connections that ended: client (DISCONNECT), connection_lost, connect_timeout, or the "
       "node's reason.",
       "reason", disconnects()},
      {"dunlin_packets_received_total", counter, "MQTT packets from clients.", "type",
       by_type(&counters::packets_received)},
      {"dunlin_packets_sent_total", counter, "MQTT packets to clients.", "type",
       by_type(&counters::packets_sent)},
      {"dunlin_bytes_received_total", counter, "Bytes of MQTT from clients.", "",
       plain(&counters::bytes_received)},
      {"dunlin_bytes_sent_total", counter, "Bytes of MQTT to clients.", "",
       plain(&counters::bytes_sent)},
      {"dunlin_messages_received_total", counter, "PUBLISH packets from clients.", "qos",
       by_qos(&counters::received)},
      {"dunlin_messages_sent_total", counter, "PUBLISH packets to clients.", "qos",
       by_qos(&counters::sent)},
      {"dunlin_messages_published_total", counter,
       "Message copies due, one for each receiver: equals delivered + queued + expired + refused + "
       "dropped.",
       "", plain(&counters::published)},
      {"dunlin_messages_delivered_total", counter,
       "Copies written (QoS 0) or acknowledged (QoS 1, 2, rules).", "",
       plain(&counters::delivered)},
      {"dunlin_messages_queued", gauge, "Copies on their way or waiting for their receiver.", "",
       plain(&counters::queued)},
      {"dunlin_messages_expired_total", counter,
       "Copies whose message expiry interval passed first.", "", plain(&counters::expired)},
      {"dunlin_messages_refused_total", counter,
       "Copies that their receiver or its permission refused.", "", plain(&counters::refused)},
      {"dunlin_messages_dropped_total", counter, "Copies that reached nobody.", "reason", drops()},
      {"dunlin_sessions", gauge, "Sessions, connected or not.", "", plain(&counters::sessions)},
      {"dunlin_subscriptions", gauge, "Subscriptions of all sessions.", "",
       plain(&counters::subscriptions)},
      {"dunlin_reactors_in_use", gauge, "Reactors that serve clients now; the others sleep.", "",
       plain(&counters::reactors_in_use)},
      {"dunlin_actors_moved_total", counter,
       "Sessions, shards and registries that moved to another reactor.", "",
       plain(&counters::moved)},
      {"dunlin_retained_messages", gauge, "Retained messages.", "",
       plain(&counters::retained_messages)},
      {"dunlin_retained_bytes", gauge, "Bytes of retained messages.", "",
       plain(&counters::retained_bytes)},
      {"dunlin_retained_refused_total", counter, "Messages not retained because of a limit.", "",
       plain(&counters::retained_refused)},
      {"dunlin_delayed_received_total", counter, "Messages of $delayed/... that were held.", "",
       plain(&counters::received_delayed)},
      {"dunlin_delayed_published_total", counter, "Delayed messages whose time has come.", "",
       plain(&counters::delayed_published)},
      {"dunlin_delayed_lost_total", counter,
       "Delayed messages that were still held when the node stopped.", "",
       plain(&counters::delayed_lost)},
      {"dunlin_delayed_messages", gauge, "Delayed messages that wait for their time.", "",
       plain(&counters::delayed)},
      {"dunlin_delayed_bytes", gauge, "Bytes of delayed messages.", "",
       plain(&counters::delayed_bytes)},
      {"dunlin_publishers_held_total", counter,
       "Times a publisher was held back by a slow receiver.", "",
       plain(&counters::publishers_held)},
      {"dunlin_banned_connections_total", counter,
       "Connections closed before anything was read: their address is banned.", "",
       plain(&counters::banned_peers)},
      {"dunlin_rate_holds_total", counter,
       "Times a client was not read for a while because it was over a rate.", "",
       plain(&counters::rate_holds)},
      {"dunlin_overload_holds_total", counter,
       "Times a busy publisher was not read for a while because the node was overloaded.", "",
       plain(&counters::overload_holds)},
  };
  return all;
}

int64_t sum(const blocks& reactors, const getter& of) {
  uint64_t n = 0;  // wraps: a gauge may have gone up in one block and down in another
  for (const auto* c : reactors) n += of(*c).value();
  return static_cast<int64_t>(n);
}

void write_table(text_writer& w, const blocks& reactors) {
  for (const auto& f : table()) {
    w.family(f.name, f.type, f.help);
    for (const auto& s : f.all) {
      const int64_t n = sum(reactors, s.of);
      if (n == 0 && s.only_if_any) continue;
      w.sample(s.label.empty() ? labels{} : labels{{f.label, s.label}}, n);
    }
  }
}

void write_reactors(text_writer& w, const blocks& reactors) {
  const auto each = [&](const char* name, metric_type t, const char* help,
                        relaxed_counter counters::*m, double unit) {
    w.family(name, t, help);
    for (size_t i = 0; i < reactors.size(); ++i) {
      const uint64_t n = (reactors[i]->*m).value();
      const std::string id = std::to_string(i);
      if (unit == 1)
        w.sample({{"reactor", id}}, static_cast<int64_t>(n));
      else
        w.sample({{"reactor", id}}, static_cast<double>(n) * unit);
    }
  };
  each("dunlin_reactor_turns_total", metric_type::counter, "Turns of a reactor's loop.",
       &counters::turns, 1);
  each("dunlin_reactor_busy_seconds_total", metric_type::counter,
       "Time that a reactor spent working, not waiting.", &counters::busy_ns, 1e-9);
  each("dunlin_reactor_turn_max_seconds", metric_type::gauge,
       "The longest turn so far: what waited, waited that long.", &counters::turn_max_ns, 1e-9);
}

void write_rules(text_writer& w, const std::vector<rules::rule_status>& all) {
  using status = rules::rule_status;
  const auto each = [&](const char* name, metric_type t, const char* help, const auto& of) {
    w.family(name, t, help);
    for (const auto& r : all) w.sample({{"rule", r.id}}, of(r));
  };
  const auto count = [](uint64_t status::*m) {
    return [m](const status& r) { return static_cast<int64_t>(r.*m); };
  };
  constexpr auto counter = metric_type::counter, gauge = metric_type::gauge;
  each("dunlin_rule_taken_total", counter, "Messages that a rule took.", count(&status::taken));
  each("dunlin_rule_sent_total", counter, "Messages that a rule passed on.", count(&status::sent));
  each("dunlin_rule_refused_total", counter, "Messages that a rule did not take.",
       count(&status::refused));
  each("dunlin_rule_dead_letters_total", counter, "Messages set aside as dead letters.",
       count(&status::dead_letters));
  each("dunlin_rule_expired_total", counter, "Messages that expired in a rule.",
       count(&status::expired));
  each("dunlin_rule_lag", gauge, "Messages taken and not yet passed on.", count(&status::lag));
  each("dunlin_rule_oldest_seconds", gauge, "Age of the oldest of them.",
       [](const status& r) { return static_cast<double>(r.oldest_ms) / 1000; });
  each("dunlin_rule_spool_bytes", gauge, "Bytes of a rule's spool on disk.",
       count(&status::spool_bytes));
  w.family("dunlin_rule_state", gauge, "1 for the state that a rule is in.");
  for (const auto& r : all)
    for (const char* s :
         {"running", "paused", "retrying", "misconfigured", "stopped", "unresponsive"})
      w.sample({{"rule", r.id}, {"state", s}}, static_cast<int64_t>(r.state == s));
}

void write_process(text_writer& w, const process_usage& p) {
  constexpr auto counter = metric_type::counter, gauge = metric_type::gauge;
  w.family("dunlin_info", gauge, "1, with the version.");
  w.sample({{"version", version}}, int64_t{1});
  w.family("process_cpu_seconds_total", counter, "CPU time of the process.");
  w.sample({}, p.cpu_s);
  w.family("process_resident_memory_bytes", gauge, "Memory of the process in RAM.");
  w.sample({}, p.resident_bytes);
  w.family("process_virtual_memory_bytes", gauge, "Address space of the process.");
  w.sample({}, p.virtual_bytes);
  w.family("process_open_fds", gauge, "Open file descriptors.");
  w.sample({}, p.open_fds);
  w.family("process_max_fds", gauge, "Most file descriptors that may be open.");
  w.sample({}, p.max_fds);
  w.family("process_threads", gauge, "Threads of the process.");
  w.sample({}, p.threads);
  w.family("process_start_time_seconds", gauge, "When the process started, since the epoch.");
  w.sample({}, p.start_s);
}

}  // namespace

std::string render(const blocks& reactors, const std::vector<rules::rule_status>& rules,
                   const process_usage& process) {
  text_writer w;
  write_table(w, reactors);
  write_reactors(w, reactors);
  write_rules(w, rules);
  write_process(w, process);
  return w.take();
}

int64_t total(const blocks& reactors, relaxed_counter counters::*which) {
  return sum(reactors, one(which));
}

}  // namespace dunlin::metrics
