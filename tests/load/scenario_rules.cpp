// rules: acknowledged messages into the topic of an outbound rule, and a check that all of them
// reach its queue.
#include "tests/load/scenarios.hpp"

namespace dunlin::load {

outcome run_rules(const options& o) {
  engine e(o, o.publishers, 0);
  for (uint32_t i = 0; i < o.publishers; ++i) {
    auto c = std::make_unique<client>();
    c->pub = make_publisher(i, o.topic + "/" + std::to_string(i));
    e.add(std::move(c));
  }
  outcome r;
  if (set_up(e, false, r)) {
    r.traffic = e.publish(o.warmup, o.seconds);
    r.drained = e.drain();
  }
  finish(o, e, r);
  return r;
}

}  // namespace dunlin::load
