// The subscribers that are behind, and how far: for the ranking of slow subscribers.
//
// A session that keeps up has none of this. One that falls behind (unsent output, a queue, many
// messages without an acknowledgement) makes a lag, which stands on the board of its reactor's
// thread until its connection ends; the ranking asks the boards.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace dunlin::operate {

struct slow_subscriber {
  std::string client_id, address;
  uint64_t unsent_bytes = 0;
  uint64_t queued_messages = 0, queued_bytes = 0;
  uint64_t in_flight = 0;
  uint64_t latency_ms = 0;  // from sending to acknowledgement, sampled; of what still waits: so far
  uint64_t behind_ms = 0;   // since it last kept up; 0: it does
  uint64_t held = 0;        // times that it held back its publishers
  uint64_t dropped = 0;     // messages, since it was slow or its queue full
  bool slow = false;
};

enum class rank { bytes, messages, latency, behind, held, dropped };
uint64_t score(const slow_subscriber& s, rank by);
// The first `most`, the worst first; those with a score of 0 are left out.
std::vector<slow_subscriber> rank_by(std::vector<slow_subscriber> all, rank by, size_t most);

class lag_board;

class lag {
 public:
  // Falls behind with this many unacknowledged messages too.
  static constexpr size_t in_flight_min = 128;
  using describe = slow_subscriber (*)(const void* owner, uint64_t now_ms);

  // On the board of this thread from here on, until it leaves; destroyed on the thread of its
  // board.
  lag(const void* owner, describe d);
  ~lag();
  void leave();   // for another thread
  void arrive();  // on this one
  lag(const lag&) = delete;
  lag& operator=(const lag&) = delete;

  // Whether it is behind now; `first` counts the messages that were acknowledged, `next` those
  // that were sent.
  void observe(bool behind, uint64_t first, uint64_t next, uint64_t now_ms);
  uint64_t latency_ms(uint64_t now_ms) const;
  uint64_t behind_ms(uint64_t now_ms) const { return since_ms_ ? now_ms - since_ms_ : 0; }

  uint64_t held = 0, dropped = 0;

 private:
  friend class lag_board;
  const void* owner_;
  describe describe_;
  std::shared_ptr<lag_board> board_;  // outlives its thread; null: on its way to another one
  size_t place_ = 0;
  uint64_t since_ms_ = 0;
  uint64_t probe_ = 0, probe_since_ms_ = 0;  // a message in flight, and when it was sent
  uint64_t last_latency_ms_ = 0;
};

class lag_board {
 public:
  static const std::shared_ptr<lag_board>& of_this_thread();
  std::vector<slow_subscriber> worst(rank by, size_t most, uint64_t now_ms) const;
  size_t size() const { return all_.size(); }

 private:
  friend class lag;
  std::vector<lag*> all_;
};

}  // namespace dunlin::operate
