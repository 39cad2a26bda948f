#include "tests/load/report.hpp"

#include <stdarg.h>
#include <stdio.h>

#include <algorithm>

namespace dunlin::load {
namespace {

__attribute__((format(printf, 2, 3))) void print(std::string& out, const char* format, ...) {
  char line[512];
  va_list args;
  va_start(args, format);
  vsnprintf(line, sizeof line, format, args);
  va_end(args);
  out += line;
}

// 1234567 -> 1,234,567
std::string grouped(double value) {
  char digits[64];
  snprintf(digits, sizeof digits, "%.0f", value);
  std::string s = digits;
  for (int i = int(s.size()) - 3; i > (s[0] == '-' ? 1 : 0); i -= 3) s.insert(size_t(i), 1, ',');
  return s;
}
std::string grouped(uint64_t value) { return grouped(double(value)); }

void print_setup(const options& o, const outcome& r, std::string& out) {
  const auto rate = [](uint64_t n, double s) { return grouped(s > 0 ? double(n) / s : 0); };
  print(out, "connected      %s of %s in %.2f s, %s/s\n", grouped(r.connected).c_str(),
        grouped(r.clients).c_str(), r.connect_seconds,
        rate(r.connected, r.connect_seconds).c_str());
  if (o.what == scenario::subscribe) {
    print(out, "subscribed     %s in %.2f s, %s/s\n", grouped(r.subscriptions).c_str(),
          r.subscribe_seconds, rate(r.subscriptions, r.subscribe_seconds).c_str());
  }
  if (r.memory && !o.pids.empty()) {
    print(out, "memory         %s bytes for each %s (resident %s -> %s)\n",
          grouped(r.memory->each()).c_str(), r.memory->of, grouped(r.memory->before).c_str(),
          grouped(r.memory->after).c_str());
  }
}

void print_traffic(const options& o, const interval& t, std::string& out) {
  const double s = t.seconds();
  if (s <= 0) return;
  const auto rate = [s](uint64_t from, uint64_t to) { return grouped(double(to - from) / s); };
  print(out, "measured       %.2f s: %s/s sent, %s/s delivered", s,
        rate(t.from.sent, t.to.sent).c_str(), rate(t.from.received, t.to.received).c_str());
  if (o.qos > 0)
    print(out, ", %s/s acknowledged", rate(t.from.acknowledged, t.to.acknowledged).c_str());
  const double broker = t.to.broker_cpu_s - t.from.broker_cpu_s;
  const double own = t.to.own_cpu_s - t.from.own_cpu_s;
  const double machine = t.to.machine_cpu_s - t.from.machine_cpu_s;
  print(out, "\nCPU            generator %.0f %%", 100 * own / s);
  if (!o.pids.empty()) {
    const uint64_t delivered = t.to.received - t.from.received;
    const uint64_t messages = delivered > 0 ? delivered : t.to.acknowledged - t.from.acknowledged;
    print(out, ", broker %.0f %%, others %.0f %%; broker %.3f us for each %s message",
          100 * broker / s, std::max(0.0, 100 * (machine - broker - own) / s),
          messages > 0 ? 1e6 * broker / double(messages) : 0,
          delivered > 0 ? "delivered" : "acknowledged");
  }
  out += '\n';
}

void print_latency_row(const char* name, const histogram& h, std::string& out) {
  if (h.count() == 0) return;
  print(out, "%-14s", name);
  for (const double p : {0.5, 0.9, 0.99, 0.999, 0.9999})
    print(out, " %10.3f", double(h.percentile(p)) / 1e6);
  print(out, " %10.3f  %s\n", double(h.max()) / 1e6, grouped(h.count()).c_str());
}

void print_latency(const options& o, const outcome& r, std::string& out) {
  const bool delivery = o.what != scenario::retained;
  if ((!delivery || r.latency.delivery.count() == 0) && r.latency.acknowledge.count() == 0) return;
  print(out, "%-14s %10s %10s %10s %10s %10s %10s  %s\n", "latency, ms", "p50", "p90", "p99",
        "p99.9", "p99.99", "max", "messages");
  if (delivery) print_latency_row("delivery", r.latency.delivery, out);
  print_latency_row("acknowledge", r.latency.acknowledge, out);
  print_latency_row("sent late by", r.latency.lateness, out);
}

void print_checks(const options& o, const outcome& r, std::string& out) {
  const verdict& v = r.checked;
  if (r.retained_seconds > 0) {
    print(out, "retained       all to all in %.3f s, %s/s\n", r.retained_seconds,
          grouped(double(v.expected) / r.retained_seconds).c_str());
  }
  if (v.sent > 0) {
    print(out, "sent           %s", grouped(v.sent).c_str());
    if (o.qos > 0)
      print(out, ", acknowledged %s, refused %s", grouped(v.acknowledged).c_str(),
            grouped(v.refused).c_str());
    if (o.rate > 0) print(out, ", due but not sent %s", grouped(v.unsent).c_str());
    out += '\n';
  }
  if (v.expected > 0) {
    const bool known = r.drained && *r.drained != drain_end::cut_off;
    print(out, "checked        %s deliveries: %s %s, %s duplicated, %s reordered, %s misrouted\n",
          grouped(v.expected).c_str(), grouped(v.missing).c_str(),
          known || v.missing == 0 ? "lost" : "not there yet (late or lost: not known)",
          grouped(v.duplicates).c_str(), grouped(v.reordered).c_str(),
          grouped(v.misrouted).c_str());
  }
  if (r.queue) {
    print(out, "queue          %s of %s acknowledged messages read back: %s %s, %s duplicated\n",
          grouped(r.queue->received).c_str(), grouped(v.acknowledged).c_str(),
          grouped(r.queue->missing).c_str(),
          r.queue->cut_off ? "not there yet (late or lost: not known)" : "lost",
          grouped(r.queue->duplicates).c_str());
    if (!r.queue->error.empty()) print(out, "queue          %s\n", r.queue->error.c_str());
  }
  const std::pair<const char*, uint64_t> odd[] = {
      {"clients that failed or were cut off", v.failed_clients},
      {"acknowledgements out of turn", v.acks_out_of_turn},
      {"messages that are not of this run", v.foreign},
      {"messages of a wrong size", v.wrong_size},
      {"malformed or unexpected packets", v.malformed},
      {"messages with the DUP flag", v.dup_flags}};
  for (const auto& [what, n] : odd) {
    if (n > 0) print(out, "note           %s: %s\n", what, grouped(n).c_str());
  }
  if (!v.first_error.empty()) out += "note           first error: " + v.first_error + '\n';
}

}  // namespace

exit_code judge(const options& o, const outcome& r) {
  const verdict& v = r.checked;
  if (!r.error.empty() || v.failed_clients > 0 || v.malformed > 0) return failed;
  if (r.queue && !r.queue->error.empty()) return failed;
  if (v.missing > 0 || v.wrong_size > 0 || (r.queue && (r.queue->missing > 0 || r.queue->cut_off)))
    return loss;
  if (r.drained == drain_end::cut_off) return loss;
  if (o.qos > 0 && v.sent > v.acknowledged) return loss;  // refused, or never answered
  if (v.misrouted > 0 || (std::min(o.qos, o.subscribe_qos) == 2 && v.duplicates > 0))
    return duplicate;
  if (v.reordered > 0) return reordered;
  const histogram& goal =
      r.latency.delivery.count() > 0 ? r.latency.delivery : r.latency.acknowledge;
  if (o.goal_p99_ms > 0 &&
      (goal.count() == 0 || v.unsent > 0 || double(goal.percentile(0.99)) / 1e6 > o.goal_p99_ms)) {
    return goal_missed;
  }
  return ok;
}

std::string to_text(const options& o, const outcome& r) {
  static constexpr const char* verdicts[] = {
      "ok",
      "FAILED: see the errors above",
      "LOSS, or not everything acknowledged or verified",
      "DUPLICATES at QoS 2, or messages at the wrong receiver",
      "REORDERED",
      "the p99 goal was MISSED"};
  std::string out;
  print(out, "%s, MQTT %s, QoS %d, payload %u bytes\n", name_of(o.what),
        o.version == mqtt::version::v5 ? "5" : "3.1.1", o.qos, o.payload_bytes);
  print_setup(o, r, out);
  if (r.traffic) print_traffic(o, *r.traffic, out);
  print_latency(o, r, out);
  print_checks(o, r, out);
  if (r.interrupted) out += "note           interrupted: the run was shorter than asked for\n";
  if (!r.error.empty()) out += "error          " + r.error + '\n';
  out += std::string("verdict        ") + verdicts[judge(o, r)] + '\n';
  return out;
}

}  // namespace dunlin::load
