// The traces of a node, by number: a few at once, one for each client ID.
//
// A member of the directory: the API starts and reads them, sessions find theirs when they begin. A
// trace that is over stays readable until another needs its place.
#pragma once

#include <absl/status/statusor.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string_view>
#include <vector>

#include "broker/operate/trace.hpp"
#include "broker/operate/trace_limits.hpp"

namespace dunlin::operate {

class traces {
 public:
  // ALREADY_EXISTS: this client is traced. RESOURCE_EXHAUSTED: traces_max are running.
  absl::StatusOr<trace_ptr> start(trace_request r, const trace_limits& most, uint64_t now_ms);
  trace_ptr get(uint64_t id) const;  // null: there is none
  bool end(uint64_t id);             // and forgets it; false: there is none
  std::vector<trace_ptr> all() const;

  // Whether any may be running: one load.
  bool any() const { return running_.load(std::memory_order_relaxed) > 0; }
  // The one of this client; null when it is not traced.
  trace_ptr find(std::string_view client_id, uint64_t now_ms) const;

 private:
  void forget_one_over(uint64_t now_ms);

  mutable std::mutex mutex_;
  std::map<uint64_t, trace_ptr> all_;
  uint64_t last_id_ = 0;
  std::atomic<uint32_t> running_{0};  // as many as there are, over or not
};

}  // namespace dunlin::operate
