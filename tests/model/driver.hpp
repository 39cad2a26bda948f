// Does the same random thing to the model and to a simulated node, and compares what every client
// got. One thing at a time: after each the node is at rest. Even seeds: one reactor; odd ones: two.
//
// Used by model_test.cpp.   driver d(seed);  EXPECT_EQ(d.run(10'000), "");
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "tests/fakes/random.hpp"
#include "tests/model/model.hpp"
#include "tests/sim/world.hpp"

namespace dunlin::model {

class driver {
 public:
  explicit driver(uint64_t seed);
  // Empty, or what differed with the seed, the step and what led to it.
  std::string run(size_t steps);
  size_t copies_compared() const { return copies_compared_; }

 private:
  // What a client published with QoS 2 and has not released.
  struct unreleased {
    uint16_t packet_id;
    message what;
  };
  struct actor {
    sim::client* c = nullptr;
    bool prompt = true;
    std::map<uint64_t, uint16_t> packet_ids;  // by serial
    std::deque<unreleased> to_release;
    uint16_t last_id = 1000;
    std::multiset<std::string> answers;  // packets other than PUBLISH that are due
    bool answers_optional = false;       // it left without waiting for them

    const std::string& id() const { return c->id(); }
    bool v5() const { return c->version() == mqtt::version::v5; }
  };

  // -- one random thing --
  void step();
  void step_connected(actor& a);
  void connect(actor& a);
  void disconnect(actor& a);
  void lose(actor& a);
  void subscribe(actor& a);
  void unsubscribe(actor& a);
  void publish_some(actor& a);
  std::string publish(actor& a);
  void publish_as(actor& a, const message& m, uint16_t packet_id, bool dup);
  void expect_answers(actor& a, const message& m, uint16_t packet_id);
  void send_again_or_release(actor& a);
  void acknowledge(actor& a);
  void ping(actor& a);
  void advance();
  message random_message();
  connection random_connection(actor& a);

  bool small_window(const actor& a) const { return !a.prompt && a.v5() && world_.reactors() == 1; }

  // -- comparing --
  std::string compare();
  std::string compare(actor& a);
  std::string compare_copies(actor& a, const std::vector<sim::received>& got);
  std::string compare_answers(actor& a, const std::vector<sim::received>& got);
  std::string compare_shared();
  std::string differs(const copy& want, const sim::received& got, const actor& a) const;
  void learn(actor& a, const copy& want, const sim::received& got);
  void note(const std::string& what) { history_.push_back(what); }
  std::string report(size_t at, const std::string& fault) const;

  template <class T>
  T any(std::initializer_list<T> of) {
    return *(of.begin() + random_.below(of.size()));
  }

  uint64_t seed_;
  fakes::seeded_random random_;
  sim::world world_;
  server model_;
  std::deque<actor> actors_;
  std::vector<std::string> history_;
  std::map<std::string, std::vector<sim::received>> left_over_;  // for the shared subscriptions
  size_t copies_compared_ = 0;
  int next_payload_ = 0;
};

}  // namespace dunlin::model
