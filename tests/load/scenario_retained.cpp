// retained: N retained messages on topics of their own, then M subscribers at once that are each to
// get all of them.
#include "tests/load/clock.hpp"
#include "tests/load/scenarios.hpp"

namespace dunlin::load {
namespace {

void plan(const options& o, engine& e) {
  const std::string parent = o.topic + "/" + e.client_prefix() + "retained/";
  for (uint32_t i = 0; i < o.subscribers; ++i) {
    auto c = std::make_unique<client>();
    c->sub = make_subscriber(parent + "#");
    auto seen = std::make_shared<group_seen>();  // retained messages come in no order
    seen->group = i;
    seen->publishers.resize(1);
    c->in = std::make_unique<set_inbox>(std::move(seen), false);
    e.add(std::move(c));
  }
  auto c = std::make_unique<client>();
  c->pub = make_publisher(0, {});
  c->pub->retain = true;
  c->pub->limit = o.messages;
  c->pub->topic_of = [parent](uint64_t n) { return parent + std::to_string(n); };
  e.add(std::move(c));
}

}  // namespace

outcome run_retained(const options& o) {
  engine e(o, 1, 0);
  plan(o, e);
  outcome r;
  if (set_up(e, false, r)) {
    memory_use memory{"retained message"};
    memory.before = e.take_sample().resident_bytes;
    e.publish(0, 0);
    r.drained = e.wait_sent(o.messages);
    memory.after = e.take_sample().resident_bytes;
    memory.items = o.messages;
    r.memory = memory;
    const uint64_t begin = now_ns();
    if (r.drained != drain_end::complete) {
      r.error = "not all retained messages were taken";
    } else if (e.subscribe()) {
      r.drained = e.wait_received(uint64_t(o.messages) * o.subscribers);
      r.retained_seconds = double(e.last_change() - begin) / 1e9;
    } else {
      r.error = "not all subscriptions were granted";
    }
    r.subscriptions = e.total(&worker_counters::granted);
  }
  finish(o, e, r);
  return r;
}

}  // namespace dunlin::load
