#include <stdio.h>

#include <algorithm>

#include "tests/load/report.hpp"

namespace dunlin::load {
namespace {

class object {
 public:
  object& add(const char* key, double value) {
    char text[64];
    snprintf(text, sizeof text, "%.9g", value);
    return raw(key, text);
  }
  object& add(const char* key, uint64_t value) { return raw(key, std::to_string(value)); }
  object& add(const char* key, bool value) { return raw(key, value ? "true" : "false"); }
  object& add(const char* key, const std::string& value) { return raw(key, quoted(value)); }
  object& add(const char* key, const char* value) { return raw(key, quoted(value)); }
  object& raw(const char* key, const std::string& json) {
    if (!body_.empty()) body_ += ", ";
    body_ += quoted(key) + ": " + json;
    return *this;
  }
  std::string text() const { return "{" + body_ + "}"; }

 private:
  static std::string quoted(const std::string& s) {
    std::string out = "\"";
    for (const char c : s) {
      char escaped[8];
      if (c == '"' || c == '\\') {
        out += {'\\', c};
      } else if (uint8_t(c) < 0x20) {
        snprintf(escaped, sizeof escaped, "\\u%04x", c);
        out += escaped;
      } else {
        out += c;
      }
    }
    return out + '"';
  }
  std::string body_;
};

std::string percentiles(const histogram& h) {
  const auto ms = [&](double p) { return double(h.percentile(p)) / 1e6; };
  return object()
      .add("count", h.count())
      .add("p50", ms(0.5))
      .add("p90", ms(0.9))
      .add("p99", ms(0.99))
      .add("p99_9", ms(0.999))
      .add("p99_99", ms(0.9999))
      .add("max", double(h.max()) / 1e6)
      .text();
}

void add_traffic(const options& o, const interval& t, object& out) {
  const double s = t.seconds();
  if (s <= 0) return;
  const uint64_t delivered = t.to.received - t.from.received;
  const uint64_t acknowledged = t.to.acknowledged - t.from.acknowledged;
  const double broker = t.to.broker_cpu_s - t.from.broker_cpu_s;
  const double own = t.to.own_cpu_s - t.from.own_cpu_s;
  const double machine = t.to.machine_cpu_s - t.from.machine_cpu_s;
  out.add("seconds", s)
      .add("sent_per_s", double(t.to.sent - t.from.sent) / s)
      .add("delivered_per_s", double(delivered) / s)
      .add("acknowledged_per_s", double(acknowledged) / s)
      .add("generator_cpu_percent", 100 * own / s);
  if (o.pids.empty()) return;
  const uint64_t messages = delivered > 0 ? delivered : acknowledged;
  out.add("broker_cpu_percent", 100 * broker / s)
      .add("other_cpu_percent", std::max(0.0, 100 * (machine - broker - own) / s))
      .add("broker_cpu_us_per_message", messages > 0 ? 1e6 * broker / double(messages) : 0)
      .add("resident_bytes", t.to.resident_bytes);
}

void add_checks(const outcome& r, object& out) {
  static constexpr const char* ends[] = {"complete", "silent", "cut_off"};
  const verdict& v = r.checked;
  if (r.drained) out.add("drain", ends[size_t(*r.drained)]);
  // What is missing counts as lost only when the run did not end before it could have come.
  out.add("verified", r.error.empty() && r.drained && *r.drained != drain_end::cut_off);
  out.add("sent", v.sent)
      .add("acknowledged", v.acknowledged)
      .add("refused", v.refused)
      .add("due_but_not_sent", v.unsent)
      .add("expected", v.expected)
      .add("missing", v.missing)
      .add("duplicates", v.duplicates)
      .add("reordered", v.reordered)
      .add("misrouted", v.misrouted)
      .add("foreign", v.foreign)
      .add("wrong_size", v.wrong_size)
      .add("malformed", v.malformed)
      .add("dup_flags", v.dup_flags)
      .add("acks_out_of_turn", v.acks_out_of_turn)
      .add("failed_clients", v.failed_clients);
  if (!r.queue) return;
  out.raw("queue", object()
                       .add("received", r.queue->received)
                       .add("missing", r.queue->missing)
                       .add("duplicates", r.queue->duplicates)
                       .add("foreign", r.queue->foreign)
                       .add("verified", !r.queue->cut_off && r.queue->error.empty())
                       .add("error", r.queue->error)
                       .text());
}

}  // namespace

std::string to_json(const options& o, const outcome& r) {
  object out;
  out.add("scenario", name_of(o.what))
      .add("mqtt", o.version == mqtt::version::v5 ? "5" : "3.1.1")
      .add("qos", uint64_t(o.qos))
      .add("payload_bytes", uint64_t(o.payload_bytes))
      .add("clients", r.clients)
      .add("connected", r.connected)
      .add("connect_seconds", r.connect_seconds)
      .add("connects_per_s", r.connect_seconds > 0 ? double(r.connected) / r.connect_seconds : 0)
      .add("subscriptions", r.subscriptions)
      .add("subscribes_per_s",
           r.subscribe_seconds > 0 ? double(r.subscriptions) / r.subscribe_seconds : 0);
  if (!o.pids.empty() && r.connected > 0 && r.connecting.seconds() > 0) {
    const interval& c = r.connecting;
    const double broker = c.to.broker_cpu_s - c.from.broker_cpu_s;
    const double own = c.to.own_cpu_s - c.from.own_cpu_s;
    const double others = c.to.machine_cpu_s - c.from.machine_cpu_s - broker - own;
    out.add("connect_broker_cpu_us_each", 1e6 * broker / double(r.connected))
        .add("connect_other_cpu_percent", std::max(0.0, 100 * others / c.seconds()));
  }
  if (r.memory && !o.pids.empty()) {
    out.add("memory_of", r.memory->of)
        .add("memory_bytes_each", r.memory->each())
        .add("memory_before_bytes", r.memory->before)
        .add("memory_after_bytes", r.memory->after);
  }
  if (r.traffic) add_traffic(o, *r.traffic, out);
  if (!o.pids.empty()) out.add("resident_max_bytes", r.resident_max);
  if (o.what != scenario::retained) out.raw("delivery_ms", percentiles(r.latency.delivery));
  out.raw("acknowledge_ms", percentiles(r.latency.acknowledge));
  if (o.rate > 0) out.raw("sent_late_ms", percentiles(r.latency.lateness));
  if (r.retained_seconds > 0) {
    out.add("retained_seconds", r.retained_seconds)
        .add("retained_per_s", double(r.checked.expected) / r.retained_seconds);
  }
  add_checks(r, out);
  out.add("interrupted", r.interrupted);
  if (!r.error.empty()) out.add("error", r.error);
  if (!r.checked.first_error.empty()) out.add("first_error", r.checked.first_error);
  out.add("exit_code", uint64_t(judge(o, r)));
  return out.text() + "\n";
}

}  // namespace dunlin::load
