// Has a node use as many of its reactors as net/scaling.hpp says.
//
// One for each node that may use fewer than it has. Every reactor measures what its thread ran and
// waited, four times a second; the first decides. Actors then move by themselves (pinned.hpp), and
// new connections go to the reactors in use.
#pragma once

#include <memory>
#include <vector>

#include "broker/directory.hpp"
#include "broker/net/cpu_times.hpp"
#include "broker/net/scaling.hpp"

namespace dunlin {

class reactor_scaling {
 public:
  // One reactor is in use from here on, or as many as the settings want at least.
  explicit reactor_scaling(directory& d);
  ~reactor_scaling();
  void start();  // before the reactors run
  void stop();   // when they do not run any more

 private:
  struct meter;
  void look();
  void follow(uint32_t in_use);
  uint32_t most() const { return static_cast<uint32_t>(meters_.size()); }
  uint64_t packets() const;
  std::optional<double> free_cores(uint64_t now_ms);

  directory& directory_;
  const bool known_;  // what threads wait for; where it is not, all are in use
  net::scaling scaling_;
  std::vector<std::unique_ptr<meter>> meters_;  // by the reactor's index
  std::optional<uint64_t> idle_ns_;             // at the last look, if that asked
  uint64_t packets_ = 0, looked_ms_ = 0;
};

}  // namespace dunlin
