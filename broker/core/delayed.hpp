// Messages that wait for their time ($delayed/{seconds}/topic): a heap by the time when each is
// due.
//
// The pure half of a shard's delayed publishing; messages due at the same time keep their order.
//
//   delayed d;  d.add(now + 5000, {msg, publisher});   if (d.due_ms() <= now) auto e = d.pop();
//   uint32_t s; std::string_view t; parse_delayed("$delayed/5/a/b", &s, &t)  // 5, "a/b"
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/core/shared_text.hpp"
#include "broker/mqtt/message.hpp"
#include "broker/mqtt/topic.hpp"

namespace dunlin::core {

inline constexpr std::string_view delayed_prefix = "$delayed/";

// False: the seconds are no number, or nothing to publish to is behind them.
inline bool parse_delayed(std::string_view topic, uint32_t* seconds, std::string_view* rest) {
  topic.remove_prefix(delayed_prefix.size());
  const size_t slash = topic.find('/');
  if (slash == 0 || slash == topic.npos || slash > 10) return false;
  uint64_t n = 0;
  for (char c : topic.substr(0, slash)) {
    if (c < '0' || c > '9') return false;
    n = n * 10 + static_cast<uint64_t>(c - '0');
  }
  if (n > ~uint32_t{0}) return false;
  *seconds = static_cast<uint32_t>(n);
  *rest = topic.substr(slash + 1);
  return mqtt::valid_topic_name(*rest);
}

class delayed {
 public:
  struct entry {
    mqtt::message_ptr msg;
    shared_text publisher;  // client ID; empty: not a client

    size_t footprint() const { return msg->footprint() + sizeof(waiting); }
  };

  void add(uint64_t due_ms, entry e) {
    bytes_ += e.footprint();
    heap_.push_back({due_ms, ++last_, std::move(e)});
    std::push_heap(heap_.begin(), heap_.end(), later);
  }
  uint64_t due_ms() const { return heap_.empty() ? ~uint64_t{0} : heap_.front().due_ms; }
  entry pop() {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    entry e = std::move(heap_.back().what);
    heap_.pop_back();
    bytes_ -= e.footprint();
    return e;
  }

  size_t messages() const { return heap_.size(); }
  uint64_t bytes() const { return bytes_; }

 private:
  struct waiting {
    uint64_t due_ms;
    uint64_t sequence;
    entry what;
  };
  static bool later(const waiting& a, const waiting& b) {
    return a.due_ms != b.due_ms ? a.due_ms > b.due_ms : a.sequence > b.sequence;
  }

  std::vector<waiting> heap_;
  uint64_t last_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace dunlin::core
