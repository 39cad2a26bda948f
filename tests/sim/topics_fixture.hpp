// What the simulations of topics share: clients that are ready, settings of the topics section.
#pragma once

#include <string>
#include <utility>

#include "tests/sim/sim_test.hpp"

namespace dunlin::sim {

class TopicsSim : public SimTest {
 protected:
  // Replaces the topics settings, as a reload does.
  void topics(topic_settings t) {
    settings s = world_->dir().now();
    s.topics = std::move(t);
    world_->dir().put(std::move(s));
  }
  uint64_t count(const metrics::relaxed_counter metrics::counters::*what) {
    uint64_t n = 0;
    for (size_t i = 0; i < world_->reactors(); ++i) n += (world_->reactor(i).count().*what).value();
    return n;
  }
};

}  // namespace dunlin::sim
