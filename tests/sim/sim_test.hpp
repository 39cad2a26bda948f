// The fixture of the simulations: after every test, at rest, every message copy is accounted for.
#pragma once

#include <gtest/gtest.h>

#include "tests/sim/world.hpp"

namespace dunlin::sim {

inline constexpr auto v31 = mqtt::version::v31;
inline constexpr auto v311 = mqtt::version::v311;
inline constexpr auto v5 = mqtt::version::v5;

class SimTest : public ::testing::Test {
 protected:
  world& start(const options& limits = {}, size_t reactors = 1) {
    world_ = std::make_unique<world>(limits, reactors);
    return *world_;
  }
  // Connected, its CONNACK taken.
  client& ready(std::string id, const connect_options& o = {}, mqtt::version v = v5,
                size_t reactor = 0) {
    client& c = world_->make_client(std::move(id), v);
    world_->connect(c, o, reactor);
    c.take();
    return c;
  }
  void subscribe(client& c, std::string_view filter, uint8_t qos = 1) {
    c.subscribe(filter, qos);
    world_->run();
    c.take();
  }
  void TearDown() override {
    if (!world_) return;
    world_->run();
    EXPECT_EQ(world_->check_identity(), "");
  }

  std::unique_ptr<world> world_;
};

// A fixture of its own for every row of MQTT 5, so that a test's whole name tells what it is about.
#define DUNLIN_ROW(name) \
  class name : public SimTest {}

// A retained or plain subscription, shortly.
inline connect_options persistent(uint32_t expiry_s = 3600) {
  return {.clean = false, .expiry_s = expiry_s};
}

}  // namespace dunlin::sim
