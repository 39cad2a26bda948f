// rules: acknowledged messages into the topic of an outbound rule, and a check that all of them
// reach its queue.
#include <thread>

#include "tests/load/clock.hpp"
#include "tests/load/queue_reader.hpp"
#include "tests/load/scenarios.hpp"

namespace dunlin::load {
namespace {

constexpr uint64_t silence_ns = 5 * second_ns;  // a rule may wait to fill a batch, or try again

void plan(const options& o, engine& e) {
  for (uint32_t i = 0; i < o.publishers; ++i) {
    auto c = std::make_unique<client>();
    c->pub = make_publisher(i, o.topic + "/" + std::to_string(i));
    e.add(std::move(c));
  }
}

// Until everything acknowledged is there, nothing comes any more, or the time is over: true when it
// was over.
bool await(const options& o, const engine& e, const queue_reader& reader) {
  const uint64_t end = now_ns() + to_ns(o.drain_max);
  uint64_t last = reader.received(), changed = now_ns();
  while (reader.received() < e.total(&worker_counters::acknowledged)) {
    const uint64_t now = now_ns();
    if (const uint64_t n = reader.received(); n != last) {
      last = n;
      changed = now;
    }
    if (now - changed > silence_ns) return false;
    if (now > end || stop_requested()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

}  // namespace

outcome run_rules(const options& o) {
  engine e(o, o.publishers, 0);
  plan(o, e);
  outcome r;
  queue_reader reader(o, e.run_id());
  const bool verify_queue = !o.verify_embedded.empty();
  bool cut_off = false;
  if (set_up(e, false, r)) {
    if (verify_queue) reader.start();
    r.traffic = e.publish(o.warmup, o.seconds);
    r.drained = e.drain();
    if (verify_queue) cut_off = await(o, e, reader);
    reader.stop();
  }
  finish(o, e, r);
  if (verify_queue && r.error.empty()) {
    r.queue = verify(e.workers(), reader.publishers());
    r.queue->cut_off = cut_off;
    r.queue->foreign = reader.foreign();
    r.queue->error = reader.error();
  }
  return r;
}

}  // namespace dunlin::load
