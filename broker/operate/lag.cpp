#include "broker/operate/lag.hpp"

#include <algorithm>

namespace dunlin::operate {

uint64_t score(const slow_subscriber& s, rank by) {
  switch (by) {
    case rank::bytes:
      return s.unsent_bytes + s.queued_bytes;
    case rank::messages:
      return s.queued_messages + s.in_flight;
    case rank::latency:
      return s.latency_ms;
    case rank::behind:
      return s.behind_ms;
    case rank::held:
      return s.held;
    case rank::dropped:
      return s.dropped;
  }
  return 0;
}

std::vector<slow_subscriber> rank_by(std::vector<slow_subscriber> all, rank by, size_t most) {
  std::erase_if(all, [&](const slow_subscriber& s) { return score(s, by) == 0; });
  const auto worse = [&](const slow_subscriber& a, const slow_subscriber& b) {
    const uint64_t x = score(a, by), y = score(b, by);
    return x != y ? x > y : a.client_id < b.client_id;
  };
  const size_t n = std::min(most, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n), all.end(), worse);
  all.resize(n);
  return all;
}

lag::lag(const void* owner, describe d) : owner_(owner), describe_(d) { arrive(); }

lag::~lag() {
  if (board_) leave();
}

void lag::arrive() {
  board_ = lag_board::of_this_thread();
  place_ = board_->all_.size();
  board_->all_.push_back(this);
}

void lag::leave() {
  board_->all_[place_] = board_->all_.back();
  board_->all_[place_]->place_ = place_;
  board_->all_.pop_back();
  board_.reset();
}

void lag::observe(bool behind, uint64_t first, uint64_t next, uint64_t now_ms) {
  if (!behind)
    since_ms_ = 0;
  else if (since_ms_ == 0)
    since_ms_ = now_ms;
  if (probe_since_ms_ && first > probe_) {
    last_latency_ms_ = now_ms - probe_since_ms_;
    probe_since_ms_ = 0;
  }
  if (probe_since_ms_ == 0 && next > first) {
    probe_ = next - 1;
    probe_since_ms_ = now_ms;
  }
}

uint64_t lag::latency_ms(uint64_t now_ms) const {
  const uint64_t so_far = probe_since_ms_ ? now_ms - probe_since_ms_ : 0;
  return std::max(last_latency_ms_, so_far);
}

const std::shared_ptr<lag_board>& lag_board::of_this_thread() {
  static thread_local const auto board = std::make_shared<lag_board>();
  return board;
}

std::vector<slow_subscriber> lag_board::worst(rank by, size_t most, uint64_t now_ms) const {
  std::vector<slow_subscriber> best;
  for (const lag* l : all_) {
    best.push_back(l->describe_(l->owner_, now_ms));
    if (best.size() >= 2 * most + 64) best = rank_by(std::move(best), by, most);  // bounded
  }
  return rank_by(std::move(best), by, most);
}

}  // namespace dunlin::operate
