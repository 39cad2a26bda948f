// What one client ID sends, gets and meets, as it happens: a ring of events that one operator reads
// while sessions on any reactor write.
//
// Bounded: it is over at its time, the oldest events go when there are too many or they are too
// large (and are counted as lost), and payloads are cut. Any thread.
//   auto t = table.start({.client_id = "c1", .milliseconds = 60'000}, now_ms);
//   t->record({.what = "in", .packet = "PUBLISH", ...}, now_ms);
//   page p = t->read(0, 100, now_ms);     // p.events, p.lost, p.over; go on with p.next
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace dunlin::operate {

struct trace_event {
  uint64_t number = 0;  // from 1; record() gives it
  int64_t at_ms = 0;    // since the epoch
  std::string what{};   // in, out, or what happened: connected, dropped, held, ...
  std::string packet{};
  std::string topic{};  // or the filters
  int qos = -1;         // -1: has none
  bool retain = false, dup = false;
  uint32_t packet_id = 0;
  uint64_t bytes = 0;  // of the packet
  std::string reason{};
  std::string detail{};
  std::string payload{};  // when it was asked for, cut

  size_t footprint() const {
    return sizeof *this + topic.size() + reason.size() + detail.size() + payload.size();
  }
};

struct trace_request {
  std::string client_id;
  uint64_t milliseconds = 60'000;
  uint32_t events_max = 10'000;
  uint64_t bytes_max = 4 << 20;
  uint32_t payload_bytes = 0;  // shown of each payload; 0: none
};

class trace {
 public:
  trace(uint64_t id, trace_request r, uint64_t now_ms)
      : id_(id), request_(std::move(r)), ends_ms_(now_ms + request_.milliseconds) {}

  uint64_t id() const { return id_; }
  const trace_request& request() const { return request_; }
  uint64_t ends_ms() const { return ends_ms_; }
  bool over(uint64_t now_ms) const {
    return ended_.load(std::memory_order_relaxed) || now_ms >= ends_ms_;
  }

  void record(trace_event e, uint64_t now_ms);
  void end();  // wakes who waits

  struct page {
    std::vector<trace_event> events;
    uint64_t next = 0;  // the number of the last event that there was or is
    uint64_t lost = 0;  // gone before they could be read, between `after` and the first of these
    bool over = false;  // and nothing more will come
  };
  page read(uint64_t after, size_t max, uint64_t now_ms) const;

  // Calls `wake` once, from any thread, when there is an event behind `after` or the trace is over:
  // at once, where that is so, or when wake_up() is called with the ticket that is returned (0: it
  // has been called).
  uint64_t wait(uint64_t after, uint64_t now_ms, std::function<void()> wake);
  void wake_up(uint64_t ticket);
  static constexpr size_t waiters_max = 16;  // more are called at once

 private:
  struct waiter {
    uint64_t ticket;
    std::function<void()> wake;
  };

  const uint64_t id_;
  const trace_request request_;
  const uint64_t ends_ms_;
  std::atomic<bool> ended_{false};
  mutable std::mutex mutex_;
  std::deque<trace_event> events_;
  uint64_t last_ = 0;   // number of the newest event
  uint64_t bytes_ = 0;  // of all events here
  uint64_t last_ticket_ = 0;
  std::vector<waiter> waiters_;
};
using trace_ptr = std::shared_ptr<trace>;

}  // namespace dunlin::operate
