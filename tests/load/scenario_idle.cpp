// connect and subscribe: what a connection or a subscription costs, and that subscriptions work
// when there are many.
#include "tests/load/scenarios.hpp"

namespace dunlin::load {
namespace {

// Subscription k of client c, and a topic that it alone matches.
std::string filter_name(const options& o, uint64_t c, uint64_t k, bool as_topic) {
  const std::string site = o.topic + "/" + std::to_string(c);
  const std::string unit = std::to_string(k);
  if (k % 100 >= o.wildcard_percent) return site + "/unit/" + unit + "/state";
  if (as_topic) return site + "/group/" + unit + "/a/alarm";
  return site + "/group/" + unit + (k % 2 == 1 ? "/#" : "/+/alarm");
}

// Message n goes to a subscription of its own until all had one: in leaps, as unrelated devices
// publish.
uint64_t subscription_of(uint64_t n, uint64_t total) {
  constexpr uint64_t leap = 2'654'435'761;  // prime, so it visits all of them
  return (n % total) * leap % total;
}

outcome run_connect(const options& o) {
  engine e(o, 0, 0);
  for (uint32_t i = 0; i < o.clients; ++i) e.add(std::make_unique<client>());
  outcome r;
  memory_use memory{"connection"};
  memory.before = e.take_sample().resident_bytes;
  if (set_up(e, false, r)) {
    e.idle(o.hold);
    memory.after = e.take_sample().resident_bytes;
    memory.items = e.total(&worker_counters::ready);
    r.memory = memory;
  }
  finish(o, e, r);
  return r;
}

void plan_subscribe(const options& o, engine& e) {
  const uint64_t total = uint64_t(o.clients) * o.per_client;
  std::vector<std::shared_ptr<group_seen>> seen(o.threads);
  for (auto& s : seen) {
    s = std::make_shared<group_seen>();
    s->publishers.resize(1);
  }
  for (uint32_t i = 0; i < o.clients; ++i) {
    auto c = std::make_unique<client>();
    c->sub = std::make_unique<subscriber>();
    c->sub->filters = o.per_client;
    c->sub->batch = o.batch;
    c->sub->window = o.window;
    c->sub->filter_of = [&o, i](uint64_t k) { return filter_name(o, i, k, false); };
    const auto mine = [&o, i, total](uint64_t n) {
      return subscription_of(n, total) / o.per_client == i;
    };
    c->in = std::make_unique<set_inbox>(seen[i % o.threads], true, mine);
    e.add(std::move(c));
  }
  auto c = std::make_unique<client>();
  c->pub = make_publisher(0, {});
  c->pub->topic_of = [&o, total](uint64_t n) {
    const uint64_t s = subscription_of(n, total);
    return filter_name(o, s / o.per_client, s % o.per_client, true);
  };
  e.add(std::move(c));
}

outcome run_subscribe(const options& o) {
  engine e(o, 1, 1);
  plan_subscribe(o, e);
  outcome r;
  memory_use memory{"subscription"};
  if (set_up(e, false, r)) {
    memory.before = e.take_sample().resident_bytes;
    if (e.subscribe()) {
      e.idle(o.hold);
      memory.after = e.take_sample().resident_bytes;
      memory.items = e.total(&worker_counters::granted);
      r.memory = memory;
      r.traffic = e.publish(o.warmup, o.seconds);
      r.drained = e.drain();
    } else {
      r.error = "not all subscriptions were granted";
    }
    r.subscriptions = e.total(&worker_counters::granted);
    r.subscribe_seconds = e.subscribe_seconds();
  }
  finish(o, e, r);
  return r;
}

}  // namespace

outcome run_idle(const options& o) {
  return o.what == scenario::connect ? run_connect(o) : run_subscribe(o);
}

}  // namespace dunlin::load
