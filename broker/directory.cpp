#include "broker/directory.hpp"

#include "base/wall_clock.hpp"

namespace dunlin {

void trace_no_subscriber(directory& d, const session_gate& origin, const publish_item& item,
                         uint64_t now_ms) {
  const auto t = d.traces.find(origin.client_id, now_ms);
  if (!t) return;
  operate::trace_event e;
  e.at_ms = wall_clock_ms();
  e.what = "dropped";
  e.reason = "no_subscriber";
  e.topic = item.routed_to();
  e.qos = item.msg->qos();
  t->record(std::move(e), now_ms);
}

}  // namespace dunlin
