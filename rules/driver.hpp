// Runs an outbound_core for an actor: carries its effects out, brings the results back as messages
// to the actor.
//
// Used by the outbound and the status actor, each of which keeps one in its state, and passes it
// the `progress` it gets.
#pragma once

#include <caf/all.hpp>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "rules/message_queue.hpp"
#include "rules/outbound_core.hpp"
#include "rules/spool.hpp"

namespace dunlin::rules {

// What came of an effect, on its way back to the core.
namespace came {
struct written {
  uint64_t sequence;
  absl::Status status;
};
struct read {
  uint64_t to;
  spool::entries entries;
};
struct sent {
  uint64_t request;
  queue_result result;
};
struct buried {
  uint64_t burial;
  absl::Status status;
};
struct wake {};
struct stop_now {};  // what is in flight has had its time
}  // namespace came
using came_event =
    std::variant<came::written, came::read, came::sent, came::buried, came::wake, came::stop_now>;
struct progress {
  std::shared_ptr<came_event> what;
};

struct driver_config {
  outbound_options options;
  spool_state state;
  std::shared_ptr<spool> store;
  std::shared_ptr<message_queue> queue;
  std::function<int64_t()> wall_ms;  // milliseconds since the epoch
  std::chrono::milliseconds stop_timeout{5000};
};

class driver {
 public:
  driver(caf::local_actor* self, driver_config config);

  // `answered` gets ec::none when the records are taken (and is dropped when the actor ends
  // before).
  void store(std::string records, uint32_t count, std::function<void(ec)> answered);
  void handle(const progress& p);
  void stop();
  rule_status status();
  // Everything is finished: the actor quits.
  bool done() const { return done_; }
  void answer_all(ec result);

 private:
  void run();  // carries out what the core decided
  void carry_out(effect::write_entry& e);
  void carry_out(effect::read_entries& e);
  void carry_out(effect::remove_entries& e);
  void carry_out(effect::send_batch& e);
  void carry_out(effect::bury& e);
  void carry_out(effect::answer& e);
  void on(const came::written& w);
  void on(came::read& r);
  void on(const came::sent& s);
  void on(const came::buried& b);
  void on(const came::wake&);
  void on(const came::stop_now&) { done_ = true; }
  void schedule(std::chrono::steady_clock::time_point when, came_event what);
  void schedule_wake();
  void log_state();
  std::function<void(came_event)> poster() const;
  instant now() const;

  caf::local_actor* self_;
  driver_config config_;
  outbound_core core_;
  const std::string& rule_;
  std::unordered_map<uint64_t, std::function<void(ec)>> tickets_;
  uint64_t next_ticket_ = 1;
  std::chrono::steady_clock::time_point wake_at_ = std::chrono::steady_clock::time_point::max();
  bool stopping_ = false, done_ = false;

  std::string logged_state_ = "running";
  std::chrono::steady_clock::time_point log_state_after_, log_letter_after_;
  uint64_t letters_unlogged_ = 0;
};

}  // namespace dunlin::rules

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::rules::progress)
