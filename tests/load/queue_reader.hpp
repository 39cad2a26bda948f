// Reads the broker's embedded queue over HTTP, as a backend would, and notes which of this run's
// messages were in it.
//
// Used by scenario_rules: a thread of its own reads while the clients publish. Bodies may be single
// messages or envelopes (proto/envelope.proto). What was read is acknowledged to the queue. An
// unreachable broker is tried again.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/load/http_client.hpp"
#include "tests/load/options.hpp"
#include "tests/load/stream_check.hpp"

namespace dunlin::load {

class queue_reader {
 public:
  queue_reader(const options& o, uint32_t run_id);
  ~queue_reader() { stop(); }

  void start();
  void stop();
  // Messages of this run, each counted once; may be asked while it reads.
  uint64_t received() const { return received_.load(std::memory_order_acquire); }

  // After stop().
  const std::vector<seen_set>& publishers() const { return publishers_; }
  uint64_t foreign() const { return foreign_; }
  const std::string& error() const { return error_; }  // of the last request; empty: it went well

  // One answer of the queue: notes its messages and gives their receipts. Nothing, and error(),
  // when it cannot be read.
  std::vector<std::string> take(std::string_view json);

 private:
  void run();
  bool read_once();
  void note(std::string_view payload);

  const options& options_;
  const uint32_t run_id_;
  http_client client_;
  std::string path_;
  std::thread thread_;
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> received_{0};
  std::vector<seen_set> publishers_;
  uint64_t foreign_ = 0;
  std::string error_;
};

}  // namespace dunlin::load
