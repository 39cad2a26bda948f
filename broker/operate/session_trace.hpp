// A session's end of a trace: turns the packets of its connection, as bytes, and what the session
// decides into events.
//
// Held by a session that is traced, and by no other. Nothing on the way of a packet is changed for
// it: it reads again what came in, and what was appended to the connection's output. No clock, no
// network: times and bytes are passed in.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "broker/core/outgoing.hpp"
#include "broker/mqtt/decode.hpp"
#include "broker/operate/trace.hpp"

namespace dunlin::operate {

struct trace_time {
  uint64_t now_ms = 0;  // of the reactor
  int64_t wall_ms = 0;  // since the epoch
};

class session_trace {
 public:
  explicit session_trace(trace_ptr t) : to_(std::move(t)) {}

  bool over(uint64_t now_ms) const { return to_->over(now_ms); }

  void packet_in(const mqtt::frame& f, mqtt::version v, trace_time t);
  // Of one connection's output buffer: what is behind `mark`.
  void packets_out(std::string_view out, mqtt::version v, trace_time t);
  // What happened, why, and more of it.
  void note(std::string what, std::string_view reason, std::string detail, trace_time t);
  void tally(const core::tally& t, trace_time at);
  // Tells when the queue has grown or shrunk.
  void queue(size_t messages, uint64_t bytes, trace_time t);

  size_t mark = 0;      // in the connection's output buffer: what is behind it is new
  bool inside = false;  // a call of the session that will tell what it appended

 private:
  void packet(const char* direction, const mqtt::frame& f, mqtt::version v,
              std::vector<std::string>& aliases, trace_time t);

  trace_ptr to_;
  size_t queued_ = 0;
  std::vector<std::string> aliases_in_, aliases_out_;  // topics by alias - 1
};

}  // namespace dunlin::operate
