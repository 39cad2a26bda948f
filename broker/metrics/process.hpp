// What the operating system says about this process, from /proc.
#pragma once

#include <cstdint>
#include <string_view>

namespace dunlin::metrics {

struct process_usage {
  double cpu_s = 0;
  double start_s = 0;  // since the epoch
  int64_t resident_bytes = 0, virtual_bytes = 0;
  int64_t open_fds = 0, max_fds = 0, threads = 0;
};

process_usage read_process();
// Pure: /proc/self/stat and the machine's constants.
process_usage parse_stat(std::string_view stat, int64_t ticks_per_s, int64_t page_bytes,
                         double boot_s);

}  // namespace dunlin::metrics
