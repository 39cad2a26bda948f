// What listeners count, as Prometheus text that follows metrics.hpp's.
//
// Used by serve.cpp.   render(...) + render_listeners(node.listener_numbers())
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace dunlin::metrics {

struct listener_numbers {
  using by_reason = std::vector<std::pair<const char*, uint64_t>>;
  std::string name;
  const char* transport = "";
  uint64_t open = 0, accepted = 0, proxy_refused = 0;
  by_reason tls_failed, websocket_refused;
  int64_t certificate_expires_s = 0;  // since the epoch; 0: no TLS
};

std::string render_listeners(const std::vector<listener_numbers>& all);

}  // namespace dunlin::metrics
