// A reactor: one thread that is both a Boost.Asio io_context and a CAF execution unit. One per
// core.
//
// Each turn it reads the sockets that are ready, runs the actors that have mail, then flushes every
// connection that has output. Of actors that were woken in bulk (the thousands that one message
// goes to) a turn runs a few: whoever else has something to do waits for those at most. Plain TCP
// connections and listeners are polled through an epoll set of the reactor's own, registered once
// and edge-triggered: Asio's async_wait costs an epoll_ctl for every read. As long as nothing uses
// io(), the reactor waits in that set alone; once something does, it waits in io(), which watches
// the set.
//
//   reactor r(system, 0, system_clock_ms);  r.start();  ...  r.stop();
// A test drives it by hand, without a thread:  reactor r(system, 0, my_clock);  r.run_until_idle();
#pragma once

#include <boost/asio/io_context.hpp>
#include <caf/execution_unit.hpp>
#include <caf/resumable.hpp>

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "broker/metrics/counters.hpp"
#include "broker/net/placement.hpp"
#include "broker/net/timer_wheel.hpp"

namespace dunlin::net {

class connection;

// A file descriptor in the reactor's epoll set.
class pollable {
 public:
  // Called on the reactor's thread with the epoll events since the last call.
  virtual void on_events(uint32_t events) = 0;

 protected:
  ~pollable() = default;
};

class reactor : public caf::execution_unit {
 public:
  using clock = std::function<uint64_t()>;  // ms, monotonic

  reactor(caf::actor_system& system, uint32_t index, clock now);
  ~reactor() override;

  // The reactor whose thread this is; null elsewhere.
  static reactor* current() { return current_; }

  void start();  // a thread of its own
  void stop();   // asks it to end and joins
  // One turn of work without waiting; false when there was nothing to do.
  bool run_turn();
  void run_until_idle();
  // Ends every actor that still has mail; called when no thread runs it any more.
  void drop_actors();

  // From CAF: an actor has mail.
  void exec_later(caf::resumable* p) override;
  // While one lives, the actors that its reactor's thread wakes are woken in bulk, here or on other
  // reactors. In their order: an answer that is sent after them arrives behind them.
  class bulk_scope {
   public:
    explicit bulk_scope(reactor& r) : reactor_(r), before_(std::exchange(r.in_bulk_, true)) {}
    ~bulk_scope() { reactor_.in_bulk_ = before_; }
    bulk_scope(const bulk_scope&) = delete;
    bulk_scope& operator=(const bulk_scope&) = delete;

   private:
    reactor& reactor_;
    const bool before_;
  };
  static constexpr size_t bulk_per_turn = 64;  // actors
  // Its node's, before it runs; without one nothing ever moves.
  void set_placement(const net::placement& p) { placement_ = &p; }
  const net::placement& placement() const { return *placement_; }
  // Whether one more actor may move away in this turn: moves do not make a turn long.
  bool take_move() { return moves_left_ > 0 && moves_left_-- > 0; }
  static constexpr uint32_t moves_per_turn = 64;  // actors
  // Runs f on this reactor's thread, from any thread.
  void post(std::function<void()> f);

  void watch(int fd, pollable& p);        // edge-triggered, both directions
  void watch_level(int fd, pollable& p);  // level-triggered, input only: listeners
  void unwatch(int fd, pollable& p);
  void flush_later(connection& c);  // at the end of this turn, once
  void read_later(connection& c);   // in the next turn
  void forget(connection& c);       // neither of the two: it leaves

  uint64_t now_ms() const { return now_ms_; }
  timer_wheel& timers() { return timers_; }
  boost::asio::io_context& io() { return io_; }
  uint32_t index() const { return index_; }
  metrics::counters& count() { return counters_; }

  // What connections read into; a partial packet is copied out of it. It bounds a batch, and stays
  // in the cache.
  static constexpr size_t read_buffer_bytes = 64 << 10;
  char* read_buffer() { return read_buffer_.get(); }

  // Output buffers of connections that have something to send: idle ones hold none.
  std::string take_buffer();
  void give_buffer(std::string b);

 private:
  // Actors with mail, as one thread hands them to another.
  struct mail {
    std::vector<caf::resumable*> ready, bulk;
    bool empty() const { return ready.empty() && bulk.empty(); }
    size_t size() const { return ready.size() + bulk.size(); }
  };
  struct outbox {
    reactor* to = nullptr;
    mail held;
  };

  void run();
  bool take_inbox();
  bool run_actors(std::deque<caf::resumable*>& queue, size_t max);
  void hand_over_later(reactor& to, caf::resumable* p);
  bool hand_over();
  void hand_over(outbox& o);
  bool poll_sockets(int timeout_ms);  // 0: does not wait; -1: for as long as it takes
  bool read_again();
  void flush_dirty();
  bool turn(bool may_wait);
  bool has_more() const;
  int wait(int timeout_ms);
  void wait_in_io();
  int wait_ms() const;
  void wake();

  static thread_local reactor* current_;
  static constexpr size_t hand_over_at = 64;  // actors
  static constexpr size_t pooled_buffers_max = 256;
  static constexpr size_t pooled_buffer_bytes_max = 256 << 10;

  boost::asio::io_context io_{1};
  uint32_t index_;
  clock clock_;
  uint64_t now_ms_;
  timer_wheel timers_;
  int epoll_fd_;
  int wake_fd_;

  std::deque<caf::resumable*> ready_, bulk_;
  bool in_bulk_ = false;
  // What goes to other reactors is handed over together: a lock and a wake-up for many.
  std::vector<outbox> outboxes_;  // by index
  bool hands_over_ = false;       // one of them has something
  std::vector<connection*> dirty_, flushing_, rereads_, rereading_;
  struct event_batch;
  std::unique_ptr<event_batch> events_;
  std::unique_ptr<char[]> read_buffer_;
  std::vector<std::string> buffers_;
  metrics::counters counters_;
  const net::placement* placement_;
  uint32_t moves_left_ = moves_per_turn;

  std::mutex inbox_mutex_;
  mail inbox_, inbox_taken_;
  std::vector<std::function<void()>> posted_;
  std::atomic<bool> woken_{false};     // the inbox has something
  std::atomic<bool> sleeping_{false};  // a write to wake_fd_ is needed to be seen
  std::atomic<bool> stopping_{false};
  std::thread thread_;
  uint32_t turn_ = 0;
  uint64_t waited_ns_ = 0;  // in this turn
  uint64_t turn_max_since_ms_ = 0;
};

}  // namespace dunlin::net
