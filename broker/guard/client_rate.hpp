// One client's rates: what it has sent, how long it must wait, and whether it has been over for
// too long. Pure; a session has one when a limit applies to it (session_rate.hpp).
//
//   if (r.packet(true, size, limits, now)) { const auto v = r.hold(now, patience); ... v.wait_ms }
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "broker/guard/limits.hpp"
#include "broker/guard/token_bucket.hpp"

namespace dunlin::guard {

class client_rate {
 public:
  struct verdict {
    uint64_t wait_ms = 0;      // until it is read again
    bool too_long = false;     // it has been over for longer than the patience
    bool by_messages = false;  // which rate it is over: messages, else bytes
  };

  // Accounts a packet that was taken; true when the next one has to wait.
  bool packet(bool is_publish, size_t bytes, const listener_limits& l, uint64_t now_ms) {
    bool wait = false;
    if (is_publish && messages_.take(1, l.client_messages(), now_ms) > 0) wait = true;
    if (bytes_.take(bytes, l.client_bytes(), now_ms) > 0) wait = true;
    return wait;
  }

  // It is over now and will not be read for a time. Holds that follow each other within two bursts
  // are one time of being over: a client that keeps below its rate after one is not.
  verdict hold(const listener_limits& l, uint64_t patience_ms, uint64_t now_ms) {
    const uint64_t m = messages_.wait(l.client_messages(), now_ms);
    const uint64_t b = bytes_.wait(l.client_bytes(), now_ms);
    verdict v{std::max(m, b), false, m >= b};
    if (v.wait_ms == 0) return v;
    if (now_ms > held_until_ms_ + 2ull * l.burst_ms) over_since_ms_ = now_ms;
    held_until_ms_ = now_ms + v.wait_ms;
    v.too_long = v.wait_ms > patience_ms || now_ms - over_since_ms_ >= patience_ms;
    return v;
  }

 private:
  token_bucket messages_, bytes_;
  uint64_t over_since_ms_ = 0, held_until_ms_ = 0;
};

}  // namespace dunlin::guard
