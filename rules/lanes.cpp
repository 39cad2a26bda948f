#include "rules/lanes.hpp"

#include <algorithm>

namespace dunlin::rules {

void lanes::add(uint64_t key, message_ref ref, size_t bytes, time_point now) {
  auto& slot = all_[key];
  if (!slot) {
    slot = std::make_unique<lane>();
    slot->key = key;
  }
  auto& l = *slot;
  if (l.refs.empty()) l.since = now;
  l.refs.push_back(ref);
  l.bytes += bytes;
  list(l);
}

void lanes::list(lane& l) {
  if (!open(l) || l.ready) return;
  if (full(l)) {
    l.ready = true;
    ready_.push_back(&l);
  } else if (!l.waiting) {
    l.waiting = true;
    waiting_.push_back({l.since, &l});
  }
}

lane* lanes::next(time_point now) {
  while (!ready_.empty()) {
    auto* l = ready_.front();
    ready_.pop_front();
    l->ready = false;
    if (open(*l)) return l;
    drop_if_empty(*l);
  }
  prune();
  if (waiting_.empty() || waiting_.front().since + options_.linger > now) return nullptr;
  auto* l = waiting_.front().who;
  waiting_.pop_front();
  l->waiting = false;
  return l;
}

// Takes what no longer waits from the front: empty, on the way, or taken from meanwhile because it
// was full (what is in it now has its own time to wait).
void lanes::prune() {
  while (!waiting_.empty()) {
    auto [since, l] = waiting_.front();
    if (open(*l) && l->since == since) return;
    waiting_.pop_front();
    l->waiting = false;
    list(*l);
    drop_if_empty(*l);
  }
}

void lanes::taken(lane& from, uint32_t count, time_point now) {
  from.since = now;
  from.capped -= std::min(from.capped, count);
  list(from);
  drop_if_empty(from);
  prune();
}

void lanes::landed(lane& from, time_point now) {
  --from.flying;
  if (options_.one_flying && !from.refs.empty() && !from.ready) {
    // What came meanwhile has waited a whole flight.
    from.ready = true;
    ready_.push_back(&from);
  } else {
    list(from);
  }
  drop_if_empty(from);
}

void lanes::give_back(lane& to, const std::vector<message_ref>& refs, size_t bytes) {
  auto half = std::max<uint32_t>(1, static_cast<uint32_t>(refs.size()) / 2);
  to.cap = to.capped > 0 ? std::min(to.cap, half) : half;
  to.capped += static_cast<uint32_t>(refs.size());
  to.refs.insert(to.refs.begin(), refs.begin(), refs.end());
  to.bytes += bytes;
}

lanes::time_point lanes::due() const {
  if (!ready_.empty()) return time_point::min();
  return waiting_.empty() ? time_point::max() : waiting_.front().since + options_.linger;
}

void lanes::drop_if_empty(lane& l) {
  if (l.refs.empty() && l.flying == 0 && !l.waiting && !l.ready && all_.size() > 1)
    all_.erase(l.key);
}

}  // namespace dunlin::rules
