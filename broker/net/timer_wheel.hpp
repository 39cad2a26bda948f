// A hashed timer wheel (Varghese and Lauck, scheme 6): timers that are set, moved and cancelled in
// O(1).
//
// One per reactor, for keep-alive, session expiry, will delay and grace periods: many timers, few
// of which ever fire. A timer is a member of what it serves and holds 40 bytes; it fires at most
// one tick late, or later when more are due at once than its reactor fires in a turn.
//
//   struct session { timer keep_alive; };   keep_alive.on_fire = [](timer& t) { ... };
//   wheel.set(s.keep_alive, now_ms + 90'000);   wheel.advance(now_ms);
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace dunlin::net {

class timer_wheel;

class timer {
 public:
  timer() = default;
  timer(const timer&) = delete;
  timer& operator=(const timer&) = delete;
  ~timer() { cancel(); }

  void cancel();
  bool armed() const { return wheel_ != nullptr; }

  void (*on_fire)(timer&) =
      nullptr;  // a plain function: the owner is found from the timer's address

 private:
  friend class timer_wheel;
  timer *previous_ = nullptr, *next_ = nullptr;
  timer_wheel* wheel_ = nullptr;
  uint64_t due_tick_ = 0;
  static constexpr uint64_t due = 0;  // as a tick: it is in the list of those
};

class timer_wheel {
 public:
  static constexpr uint64_t tick_ms = 64;

  explicit timer_wheel(uint64_t now_ms)
      : done_tick_(now_ms / tick_ms), slots_(slot_count, nullptr) {}

  // Arms or moves the timer.
  void set(timer& t, uint64_t due_ms) {
    t.cancel();
    // Rounded up: at the beginning of the tick it is in, a timer would fire early.
    uint64_t tick = due_ms / tick_ms + (due_ms % tick_ms != 0);
    if (tick <= done_tick_) tick = done_tick_ + 1;
    t.due_tick_ = tick;
    t.wheel_ = this;
    timer*& head = slot(tick);
    t.next_ = head;
    t.previous_ = nullptr;
    if (head) head->previous_ = &t;
    head = &t;
    ++armed_;
  }

  // Fires what is due, the earliest tick first, but at most `max` of them; false: more are due. A
  // timer may set or cancel any other, itself included.
  bool advance(uint64_t now_ms, size_t max = ~size_t{0}) {
    collect(now_ms / tick_ms);
    for (; first_due_ && max > 0; --max) {
      timer* t = first_due_;
      t->cancel();
      t->on_fire(*t);
    }
    return !first_due_;
  }

  size_t armed() const { return armed_; }

 private:
  friend class timer;
  static constexpr uint64_t slot_count = 2048;  // a lap of 131 s

  timer*& slot(uint64_t tick) { return slots_[tick % slot_count]; }

  // Moves what is due to the list of that name: a slot is walked once, whatever else is in it.
  void collect(uint64_t last) {
    if (armed_ == 0) {
      done_tick_ = last > done_tick_ ? last : done_tick_;
      return;
    }
    // After a long pause every slot is looked at once, not once for every lap.
    uint64_t from = done_tick_ + 1;
    if (last >= from + slot_count) from = last - slot_count + 1;
    for (uint64_t tick = from; tick <= last; ++tick) {
      done_tick_ = tick;
      for (timer* t = slot(tick); t;) {
        timer* after = t->next_;
        if (t->due_tick_ <= last) append_due(*t);
        t = after;
      }
    }
  }
  void append_due(timer& t) {
    t.cancel();
    t.wheel_ = this;
    t.due_tick_ = timer::due;
    t.previous_ = last_due_;
    (last_due_ ? last_due_->next_ : first_due_) = &t;
    last_due_ = &t;
    ++armed_;
  }

  uint64_t done_tick_;
  size_t armed_ = 0;
  std::vector<timer*> slots_;
  timer *first_due_ = nullptr, *last_due_ = nullptr;
};

inline void timer::cancel() {
  if (!wheel_) return;
  const bool is_due = due_tick_ == due;
  if (previous_)
    previous_->next_ = next_;
  else
    (is_due ? wheel_->first_due_ : wheel_->slot(due_tick_)) = next_;
  if (next_)
    next_->previous_ = previous_;
  else if (is_due)
    wheel_->last_due_ = previous_;
  --wheel_->armed_;
  wheel_ = nullptr;
  previous_ = next_ = nullptr;
}

}  // namespace dunlin::net
