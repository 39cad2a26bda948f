#include "broker/operate/trace.hpp"

#include <algorithm>
#include <utility>

namespace dunlin::operate {

void trace::record(trace_event e, uint64_t now_ms) {
  if (over(now_ms)) return end();
  std::vector<waiter> woken;
  {
    const std::lock_guard lock(mutex_);
    e.number = ++last_;
    bytes_ += e.footprint();
    events_.push_back(std::move(e));
    while (events_.size() > request_.events_max ||
           (bytes_ > request_.bytes_max && events_.size() > 1)) {
      bytes_ -= events_.front().footprint();
      events_.pop_front();
    }
    woken.swap(waiters_);
  }
  for (const auto& w : woken) w.wake();
}

void trace::end() {
  if (ended_.exchange(true)) return;
  std::vector<waiter> woken;
  {
    const std::lock_guard lock(mutex_);
    woken.swap(waiters_);
  }
  for (const auto& w : woken) w.wake();
}

trace::page trace::read(uint64_t after, size_t max, uint64_t now_ms) const {
  page p;
  const bool was_over = over(now_ms);
  const std::lock_guard lock(mutex_);
  const uint64_t first = last_ - events_.size() + 1;
  if (after + 1 < first) p.lost = first - after - 1;
  const uint64_t from = std::max(after + 1, first);
  for (uint64_t n = from; n <= last_ && p.events.size() < max; ++n)
    p.events.push_back(events_[n - first]);
  p.next = p.events.empty() ? std::max(after, last_) : p.events.back().number;
  p.over = was_over && p.next >= last_;
  return p;
}

uint64_t trace::wait(uint64_t after, uint64_t now_ms, std::function<void()> wake) {
  {
    const std::lock_guard lock(mutex_);
    if (!over(now_ms) && last_ <= after && waiters_.size() < waiters_max) {
      waiters_.push_back({++last_ticket_, std::move(wake)});
      return last_ticket_;
    }
  }
  wake();
  return 0;
}

void trace::wake_up(uint64_t ticket) {
  std::function<void()> wake;
  {
    const std::lock_guard lock(mutex_);
    const auto it = std::find_if(waiters_.begin(), waiters_.end(),
                                 [&](const waiter& w) { return w.ticket == ticket; });
    if (it == waiters_.end()) return;
    wake = std::move(it->wake);
    waiters_.erase(it);
  }
  wake();
}

}  // namespace dunlin::operate
