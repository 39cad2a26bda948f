// Counters of the topics that the configuration names (topics.metrics): messages and bytes in and
// out, and dropped, for each filter.
//
// Made with the settings; each reactor counts in a block of its own. A shard asks once for each
// topic which filters it matches (a bit for each) and counts by those bits: no filter is matched
// for a message.
//
//   uint64_t mask = meters.match("a/b");   if (mask) meters.count(reactor, mask, in, bytes, out,
//   bytes);   meters.read()
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/metrics/counters.hpp"

namespace dunlin::metrics {

struct topic_meter {
  relaxed_counter in, in_bytes;    // published
  relaxed_counter out, out_bytes;  // copies for receivers
  relaxed_counter dropped;         // copies that reached nobody
};

class topic_meters {
 public:
  static constexpr size_t filters_max = 64, reactors_max = 256;

  explicit topic_meters(std::vector<std::string> filters);

  const std::vector<std::string>& filters() const { return filters_; }
  uint64_t match(std::string_view topic) const;

  // A message that is published and its copies; on the reactor with this index.
  void published(size_t reactor, uint64_t mask, size_t bytes, size_t copies);
  void dropped(size_t reactor, uint64_t mask, size_t copies = 1);

  struct reading {
    std::string_view filter;
    uint64_t in = 0, in_bytes = 0, out = 0, out_bytes = 0, dropped = 0;
  };
  std::vector<reading> read() const;

 private:
  using block = std::array<topic_meter, filters_max>;
  block& of(size_t reactor);

  std::vector<std::string> filters_;
  std::array<std::unique_ptr<block>, reactors_max> owned_;
  std::array<std::atomic<block*>, reactors_max> blocks_{};
};

// Prometheus text of the same.
std::string render(const topic_meters& m);

}  // namespace dunlin::metrics
