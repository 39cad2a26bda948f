// What a session holds while its client's rate is limited or the node is overloaded: the buckets,
// and why its socket is not read. Others have none.
#pragma once

#include <cstdint>

#include "broker/guard/client_rate.hpp"
#include "broker/net/timer_wheel.hpp"
#include "broker/reactor_watch.hpp"

namespace dunlin {

class session;

struct session_rate final : reader, net::timer {
  explicit session_rate(session& s);
  ~session_rate();

  bool held() const { return waiting || overloaded; }
  void hold_reading() override;
  void release_reading() override;

  session& owner;
  guard::client_rate client;
  uint64_t listener_wait_ms = 0;  // what the listener's rates ask for after this read
  uint64_t published_bytes = 0;   // of this read
  bool over = false;              // the client is over its own rate after this read
  bool waiting = false;           // until the timer fires
  bool overloaded = false;        // until the node is well again
  bool noted = false;             // the reactor's watch knows it
};

}  // namespace dunlin
