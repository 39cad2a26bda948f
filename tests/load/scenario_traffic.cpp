// fan-in, fan-out, pairs and shared: subscribe, publish for the time given, drain, check.
#include "tests/load/scenarios.hpp"

namespace dunlin::load {
namespace {

std::string publisher_topic(const options& o, uint32_t i) {
  return o.topic + "/" + std::to_string(i) + "/up";
}

void add_publishers(const options& o, engine& e) {
  for (uint32_t i = 0; i < o.publishers; ++i) {
    auto c = std::make_unique<client>();
    c->pub = make_publisher(i, publisher_topic(o, i));
    e.add(std::move(c));
  }
}

void plan_fan_in(const options& o, engine& e) {
  for (uint32_t i = 0; i < o.subscribers; ++i) {
    auto c = std::make_unique<client>();
    c->sub = make_subscriber(o.topic + "/#");
    c->in = std::make_unique<ordered_inbox>(0, o.publishers);
    e.add(std::move(c));
  }
  add_publishers(o, e);
}

void plan_fan_out(const options& o, engine& e) {
  const std::string topic = o.topic + "/news";
  for (uint32_t i = 0; i < o.subscribers; ++i) {
    auto c = std::make_unique<client>();
    c->sub = make_subscriber(topic);
    c->in = std::make_unique<ordered_inbox>(0, 1);
    e.add(std::move(c));
  }
  auto c = std::make_unique<client>();
  c->pub = make_publisher(0, topic);
  e.add(std::move(c));
}

void plan_pairs(const options& o, engine& e) {
  const auto inbox_topic = [&](uint32_t i) {
    const std::string n = std::to_string(i);
    return o.p2p.empty() ? o.topic + "/" + n + "/in" : o.p2p + "/p2p/" + e.client_prefix() + n;
  };
  for (uint32_t i = 0; i < 2 * o.pairs; ++i) {
    auto c = std::make_unique<client>();
    const uint32_t partner = i ^ 1;
    c->pub = make_publisher(i, inbox_topic(partner));
    if (o.p2p.empty()) c->sub = make_subscriber(inbox_topic(i));
    c->in = std::make_unique<ordered_inbox>(partner, 1);
    e.add(std::move(c));
  }
}

void plan_shared(const options& o, engine& e) {
  std::vector<std::shared_ptr<group_seen>> seen(o.threads);  // one for each worker
  for (auto& s : seen) {
    s = std::make_shared<group_seen>();
    s->publishers.resize(o.publishers);
  }
  for (uint32_t i = 0; i < o.subscribers; ++i) {
    auto c = std::make_unique<client>();
    c->sub = make_subscriber("$share/" + o.group + "/" + o.topic + "/#");
    c->in = std::make_unique<set_inbox>(seen[i % o.threads], true);
    e.add(std::move(c));
  }
  add_publishers(o, e);
}

// --count is shared out; the first ones send what is left over.
void limit_publishers(const options& o, engine& e, uint32_t publishers) {
  for (const auto& w : e.workers()) {
    for (const auto& c : w->clients()) {
      if (!c->pub) continue;
      c->pub->limit = o.count / publishers + (c->pub->id < o.count % publishers);
    }
  }
}

uint32_t publishers_of(const options& o) {
  if (o.what == scenario::pairs) return 2 * o.pairs;
  return o.what == scenario::fan_out ? 1 : o.publishers;
}

}  // namespace

outcome run_traffic(const options& o) {
  const bool to_all = o.what == scenario::fan_in || o.what == scenario::fan_out;
  engine e(o, publishers_of(o), to_all ? o.subscribers : 1);
  switch (o.what) {
    case scenario::fan_in:
      plan_fan_in(o, e);
      break;
    case scenario::fan_out:
      plan_fan_out(o, e);
      break;
    case scenario::pairs:
      plan_pairs(o, e);
      break;
    default:
      plan_shared(o, e);
  }
  if (o.count > 0) limit_publishers(o, e, publishers_of(o));
  outcome r;
  if (set_up(e, true, r)) {
    if (o.count > 0) {
      e.publish(0, 0);
      e.wait_sent(o.count);
    } else {
      r.traffic = e.publish(o.warmup, o.seconds);
    }
    r.drained = e.drain();
  }
  finish(o, e, r);
  return r;
}

}  // namespace dunlin::load
