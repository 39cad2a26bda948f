#include "broker/reactor_watch.hpp"

#include <algorithm>

#include "broker/guard/memory.hpp"

namespace dunlin {

using guard::pressure;

namespace {

constexpr uint64_t give_back_every_ms = 1000;

}  // namespace

reactor_watch::reactor_watch(net::reactor& r, guard::node_guard& g, const all& watches)
    : reactor_(r), guard_(g), watches_(watches) {
  timer_.owner = this;
  timer_.on_fire = [](net::timer& t) { static_cast<look_timer&>(t).owner->look(); };
}

void reactor_watch::start() {
  const uint64_t due = reactor_.now_ms() + guard::overload::look_ms;
  due_ms_ = due;
  reactor_.timers().set(timer_, due);
}

uint64_t reactor_watch::late_ms(uint64_t now_ms) const {
  const uint64_t due = due_ms_.load();
  return std::max(now_ms > due ? now_ms - due : 0, was_late_ms_.load());
}

void reactor_watch::look() {
  const uint64_t now = reactor_.now_ms();
  was_late_ms_ = now - std::min(now, due_ms_.load());
  start();
  if (reactor_.index() == 0) {
    uint64_t lag = 0;
    for (const auto& w : watches_) lag = std::max(lag, w->late_ms(now));
    guard_.look(lag, now);
  }
  switch (guard_.load.level()) {
    case pressure::normal:
      release(~0ull);
      busiest_ = {};
      return;
    case pressure::refusing:
      busiest_ = {};
      break;
    case pressure::holding:
      release(now - std::min(now, hold_ms));
      hold_busiest(holding_percent, holding_bytes_min);
      break;
    case pressure::critical:
      hold_busiest(critical_percent, 0);
      break;
  }
  if (guard_.load.cause() == guard::pressure_cause::memory &&
      now - gave_back_ms_ >= give_back_every_ms) {
    gave_back_ms_ = now;
    guard::give_memory_back();
  }
}

void reactor_watch::hold_busiest(unsigned percent, uint64_t bytes_min) {
  for (reader* r : busiest_.take(percent, bytes_min)) {
    held_.emplace_back(r, reactor_.now_ms());
    reactor_.count().overload_holds.add();
    r->hold_reading();
  }
}

void reactor_watch::release(uint64_t held_before_ms) {
  auto still = held_.begin();
  for (auto& h : held_) {
    if (h.second <= held_before_ms)
      h.first->release_reading();
    else
      *still++ = h;
  }
  held_.erase(still, held_.end());
}

void reactor_watch::forget(reader& who) {
  busiest_.forget(&who);
  held_.erase(std::remove_if(held_.begin(), held_.end(), [&](auto& h) { return h.first == &who; }),
              held_.end());
}

}  // namespace dunlin
