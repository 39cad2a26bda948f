// What one receiver is to get, and what it got.
//
// Used by the worker (got: once for each message) and verify.hpp (after the workers have ended).
// Which inbox a client has is the scenario's choice: an ordered_inbox gets everything of its
// publishers, a set_inbox its part of what others get too, or messages in no order.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "tests/load/stream_check.hpp"

namespace dunlin::load {

enum class arrival { first, again, not_for_this_receiver };

class inbox {
 public:
  virtual ~inbox() = default;
  virtual arrival got(uint32_t publisher, uint64_t sequence) = 0;
};

// Everything that the publishers first .. first + count - 1 send, in their order.
class ordered_inbox final : public inbox {
 public:
  ordered_inbox(uint32_t first, uint32_t count) : first_(first), streams_(count) {}
  arrival got(uint32_t publisher, uint64_t sequence) override {
    const uint32_t i = publisher - first_;
    if (i >= streams_.size()) return arrival::not_for_this_receiver;
    return streams_[i].got(sequence) ? arrival::first : arrival::again;
  }
  uint32_t first() const { return first_; }
  const std::vector<stream_check>& streams() const { return streams_; }

 private:
  uint32_t first_;
  std::vector<stream_check> streams_;
};

// Receivers of one group get each message once between them. A worker has one group_seen a group,
// shared by its inboxes.
struct group_seen {
  uint32_t group = 0;
  std::vector<seen_set> publishers;  // by publisher
};

class set_inbox final : public inbox {
 public:
  using owner_check = std::function<bool(uint64_t sequence)>;  // is it this receiver's?

  // check_order: whether this receiver's part of a publisher's messages comes in their order.
  set_inbox(std::shared_ptr<group_seen> seen, bool check_order, owner_check mine = nullptr)
      : seen_(std::move(seen)),
        mine_(std::move(mine)),
        next_(check_order ? seen_->publishers.size() : 0) {}

  arrival got(uint32_t publisher, uint64_t sequence) override {
    if (publisher >= seen_->publishers.size() || (mine_ && !mine_(sequence))) {
      return arrival::not_for_this_receiver;
    }
    const bool first = seen_->publishers[publisher].got(sequence);
    if (!next_.empty()) {
      if (sequence + 1 < next_[publisher]) ++reordered_;
      if (sequence >= next_[publisher]) next_[publisher] = sequence + 1;
    }
    return first ? arrival::first : arrival::again;
  }
  const std::shared_ptr<group_seen>& seen() const { return seen_; }
  uint64_t reordered() const { return reordered_; }

 private:
  std::shared_ptr<group_seen> seen_;
  owner_check mine_;
  std::vector<uint64_t> next_;  // by publisher: one past the highest that came
  uint64_t reordered_ = 0;
};

}  // namespace dunlin::load
