// What Linux tells of processor time: a thread's, and that of the cores which nobody uses.
//
// For broker/reactor_scaling. Both are read from /proc and unknown where it does not have them (a
// kernel without scheduler statistics).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace dunlin::net {

struct thread_times {
  uint64_t ran_ns = 0;
  uint64_t waited_ns = 0;  // ready to run, and had no core
};

// Of the thread that makes it, for it to read.
class thread_clock {
 public:
  thread_clock();
  ~thread_clock();
  thread_clock(const thread_clock&) = delete;
  thread_clock& operator=(const thread_clock&) = delete;

  std::optional<thread_times> read() const;  // a system call

 private:
  int fd_;
};

// Time, in ns, that the cores on which this process may run had nothing to do, added up. Reads all
// of /proc/stat, which takes the longer the more cores there are: not for every turn.
std::optional<uint64_t> idle_ns();

// The text of /proc/<pid>/schedstat, and of /proc/stat for the cores of which `usable` is true.
std::optional<thread_times> parse_schedstat(std::string_view text);
std::optional<uint64_t> parse_idle_ticks(std::string_view text, const std::vector<bool>& usable);

}  // namespace dunlin::net
