#include "tests/load/scenarios.hpp"

#include <sys/resource.h>

namespace dunlin::load {
namespace {

uint64_t clients_of(const options& o) {
  switch (o.what) {
    case scenario::connect:
      return o.clients;
    case scenario::subscribe:
      return o.clients + 1;
    case scenario::fan_in:
    case scenario::shared:
      return uint64_t(o.publishers) + o.subscribers;
    case scenario::fan_out:
      return uint64_t(o.subscribers) + 1;
    case scenario::pairs:
      return 2 * uint64_t(o.pairs);
    case scenario::retained:
      return uint64_t(o.subscribers) + 1;
    case scenario::rules:
      return o.publishers;
  }
  return 0;
}

// Raises the limit of open files as far as it goes; says so when that is not enough.
std::string raise_file_limit(uint64_t clients) {
  constexpr uint64_t other_files = 50;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (clients + other_files <= limit.rlim_cur) return {};
  return std::to_string(clients) + " clients need more open files than the hard limit of " +
         std::to_string(limit.rlim_cur) + " (ulimit -Hn)";
}

}  // namespace

outcome run(const options& o) {
  outcome r;
  r.error = raise_file_limit(clients_of(o));
  if (!r.error.empty()) return r;
  switch (o.what) {
    case scenario::connect:
    case scenario::subscribe:
      return run_idle(o);
    case scenario::retained:
      return run_retained(o);
    case scenario::rules:
      return run_rules(o);
    default:
      return run_traffic(o);
  }
}

std::unique_ptr<publisher> make_publisher(uint32_t id, std::string topic) {
  auto p = std::make_unique<publisher>();
  p->id = id;
  p->topic = std::move(topic);
  return p;
}

std::unique_ptr<subscriber> make_subscriber(std::string filter) {
  auto s = std::make_unique<subscriber>();
  s->filter_of = [f = std::move(filter)](uint64_t) { return f; };
  return s;
}

bool set_up(engine& e, bool subscribe, outcome& r) {
  r.connecting.from = e.take_sample();
  const bool connected = e.connect();
  r.connecting.to = e.take_sample();
  r.clients = e.clients();
  r.connected = e.total(&worker_counters::ready);
  r.connect_seconds = e.connect_seconds();
  if (!connected) {
    const uint64_t failed = e.total(&worker_counters::failed);
    const uint64_t silent = r.clients - r.connected - failed;
    r.error = std::to_string(failed) + " clients were refused or cut off, " +
              std::to_string(silent) + " had no answer when the time for it was over (--setup-max)";
    if (stop_requested()) r.error = "interrupted";
    return false;
  }
  if (!subscribe) return true;
  const bool subscribed = e.subscribe();
  r.subscriptions = e.total(&worker_counters::granted);
  r.subscribe_seconds = e.subscribe_seconds();
  if (!subscribed)
    r.error = stop_requested() ? "interrupted" : "not all subscriptions were granted";
  return subscribed;
}

void finish(const options& o, engine& e, outcome& r) {
  r.interrupted = stop_requested();
  e.close();
  r.resident_max = e.resident_max();
  r.checked = verify(e.workers(), o.qos);
  r.latency = merge_latencies(e.workers());
}

}  // namespace dunlin::load
