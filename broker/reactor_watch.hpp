// One reactor's part in overload protection: tells how late the reactor is, and while the node is
// overloaded stops reading the publishers that send the most.
//
// One for each reactor, in the directory; used on its reactor's thread alone, but for late_ms().
// Sessions note what they read while guard.watching(); the first reactor's watch looks for all.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "broker/guard/busiest.hpp"
#include "broker/guard/node_guard.hpp"
#include "broker/net/reactor.hpp"

namespace dunlin {

// Whose socket may be left unread for a while.
class reader {
 public:
  virtual void hold_reading() = 0;
  virtual void release_reading() = 0;

 protected:
  ~reader() = default;
};

class reactor_watch {
 public:
  using all = std::vector<std::unique_ptr<reactor_watch>>;

  // How long a busy publisher is not read at a time while the node is holding.
  static constexpr uint64_t hold_ms = 1000;
  // Of all bytes since the last look, what the publishers to hold have sent.
  static constexpr unsigned holding_percent = 50, critical_percent = 100;
  // While the node is holding, who sent less since the last look (a kilobyte a second) goes on,
  // even when nobody on its reactor sends more.
  static constexpr uint64_t holding_bytes_min = 256;

  reactor_watch(net::reactor& r, guard::node_guard& g, const all& watches);
  void start();                     // on its reactor
  void stop() { timer_.cancel(); }  // on its reactor, or when that does not run

  void note(reader& who, uint64_t bytes) { busiest_.add(&who, bytes); }
  void forget(reader& who);
  // How late its next look is at `now_ms`, or how late the last one was. Any thread.
  uint64_t late_ms(uint64_t now_ms) const;

 private:
  struct look_timer : net::timer {
    reactor_watch* owner = nullptr;
  };
  void look();
  void hold_busiest(unsigned percent, uint64_t bytes_min);
  void release(uint64_t held_before_ms);

  net::reactor& reactor_;
  guard::node_guard& guard_;
  const all& watches_;
  look_timer timer_;
  guard::busiest<reader*> busiest_;
  std::vector<std::pair<reader*, uint64_t>> held_;  // and since when
  uint64_t gave_back_ms_ = 0;
  std::atomic<uint64_t> due_ms_{~0ull}, was_late_ms_{0};
};

}  // namespace dunlin
