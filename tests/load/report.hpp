// The outcome of a run, and its three forms: a table for people, JSON for programs, an exit code.
//
// Used by main. Nothing is told that was not verified: a run that was cut off says so, and is not a
// success.
#pragma once

#include <optional>
#include <string>

#include "tests/load/engine.hpp"
#include "tests/load/options.hpp"
#include "tests/load/verify.hpp"

namespace dunlin::load {

struct memory_use {
  const char* of;  // "connection", "subscription", "message"
  uint64_t before = 0, after = 0, items = 0;
  double each() const { return items == 0 ? 0 : (double(after) - double(before)) / double(items); }
};

struct outcome {
  std::string error;  // why there was no run
  bool interrupted = false;
  uint64_t clients = 0, connected = 0, subscriptions = 0;
  double connect_seconds = 0, subscribe_seconds = 0;
  interval connecting;  // what it cost
  std::optional<memory_use> memory;
  std::optional<interval> traffic;
  std::optional<drain_end> drained;
  double retained_seconds = 0;  // from SUBSCRIBE until all retained messages were there
  std::optional<queue_check> queue;
  uint64_t resident_max = 0;
  verdict checked;
  latencies latency;
};

enum exit_code { ok = 0, failed = 1, loss = 2, duplicate = 3, reordered = 4, goal_missed = 5 };

exit_code judge(const options& o, const outcome& r);
std::string to_text(const options& o, const outcome& r);
std::string to_json(const options& o, const outcome& r);

}  // namespace dunlin::load
