// What waits to be sent, in lanes: the messages of one lane may share a batch, and keep their
// order. Pure.
//
// Used by outbound_core. order: device has a lane for each client, with one batch of it on the way
// at most; a queue whose batches need equal properties has a lane for each set of them; else there
// is one lane.
//   lanes l({...}); l.add(key, ref, now);
//   while (lane* x = l.next(now)) { ... take from x->refs ...; l.taken(*x, n, now); }  l.landed(*x,
//   now);
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

namespace dunlin::rules {

// One message in the window: its entry's slot, and where its record is there.
struct message_ref {
  uint64_t slot = 0;
  uint32_t offset = 0;
  uint32_t index = 0;  // in its entry
};

struct lane {
  uint64_t key = 0;
  std::deque<message_ref> refs;
  size_t bytes = 0;                             // of their records, about
  std::chrono::steady_clock::time_point since;  // the oldest waits since
  uint32_t flying = 0;                          // batches on the way
  // A batch was refused: smaller ones until these messages are through, so that the one to blame is
  // found.
  uint32_t cap = 0, capped = 0;  // messages a batch at most; messages left to which it applies
  bool waiting = false, ready = false;  // listed there
};

struct lanes_options {
  bool one_flying = false;     // order: device
  uint32_t full_messages = 1;  // a lane with so many does not wait for more
  size_t full_bytes = 1;
  std::chrono::milliseconds linger{5};
};

class lanes {
 public:
  using time_point = std::chrono::steady_clock::time_point;
  explicit lanes(lanes_options options) : options_(options) {}

  void add(uint64_t key, message_ref ref, size_t bytes, time_point now);

  // A lane to take a batch from now: full, or waited long enough. Null: none.
  lane* next(time_point now);
  // After taking `count` messages, or none, from what next() gave.
  void taken(lane& from, uint32_t count, time_point now);
  // A batch of the lane has its answer.
  void landed(lane& from, time_point now);
  // Back to the front, in order, to be taken in batches of half the size.
  void give_back(lane& to, const std::vector<message_ref>& refs, size_t bytes);

  // When next() will have something; nothing before: max().
  time_point due() const;
  uint32_t cap(const lane& of) const { return of.capped > 0 ? of.cap : UINT32_MAX; }
  size_t size() const { return all_.size(); }

 private:
  bool full(const lane& l) const {
    return l.refs.size() >= options_.full_messages || l.bytes >= options_.full_bytes ||
           l.capped > 0;
  }
  bool open(const lane& l) const {
    return !l.refs.empty() && !(options_.one_flying && l.flying > 0);
  }
  void list(lane& l);
  void drop_if_empty(lane& l);
  void prune();

  lanes_options options_;
  std::unordered_map<uint64_t, std::unique_ptr<lane>> all_;
  struct listed {
    time_point since;  // the lane's, when it was listed
    lane* who;
  };
  std::deque<listed> waiting_;  // by `since`
  std::deque<lane*> ready_;
};

}  // namespace dunlin::rules
