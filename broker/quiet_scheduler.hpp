// CAF's scheduler, with a clock that the end of a session does not wake.
//
// CAF tells its clock of every actor that ends, whose timeouts it is to forget: an allocation and a
// switch to the clock's thread and back, a fifth of what the end of a connection costs. A session
// has no timeouts there (its timers are its reactor's), and says so while it is cleaned up.
//
//   config.load<quiet_scheduler>();              // the node
//   quiet_clock::no_timeouts mine;  Base::cleanup(...);   // the session
#pragma once

#include <caf/policy/work_sharing.hpp>
#include <caf/scheduler/coordinator.hpp>

#include <utility>

namespace dunlin {

class quiet_clock final : public caf::detail::thread_safe_actor_clock {
 public:
  // While one lives, actors that end on this thread never had a timeout.
  class no_timeouts {
   public:
    no_timeouts() { none_ = true; }
    ~no_timeouts() { none_ = false; }
    no_timeouts(const no_timeouts&) = delete;
    no_timeouts& operator=(const no_timeouts&) = delete;
  };

  explicit quiet_clock(caf::actor_clock& real) : real_(real) {}

  void cancel_timeouts(caf::abstract_actor* self) override {
    if (!none_) real_.cancel_timeouts(self);
  }
  void set_ordinary_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type,
                            uint64_t id) override {
    real_.set_ordinary_timeout(t, self, type, id);
  }
  void set_request_timeout(time_point t, caf::abstract_actor* self, caf::message_id id) override {
    real_.set_request_timeout(t, self, id);
  }
  void set_multi_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type,
                         uint64_t id) override {
    real_.set_multi_timeout(t, self, type, id);
  }
  void cancel_ordinary_timeout(caf::abstract_actor* self, caf::atom_value type) override {
    real_.cancel_ordinary_timeout(self, type);
  }
  void cancel_request_timeout(caf::abstract_actor* self, caf::message_id id) override {
    real_.cancel_request_timeout(self, id);
  }
  void schedule_message(time_point t, caf::strong_actor_ptr to,
                        caf::mailbox_element_ptr content) override {
    real_.schedule_message(t, std::move(to), std::move(content));
  }
  void schedule_message(time_point t, caf::group to, caf::strong_actor_ptr from,
                        caf::message content) override {
    real_.schedule_message(t, std::move(to), std::move(from), std::move(content));
  }
  void cancel_all() override { real_.cancel_all(); }

 private:
  inline static constinit thread_local bool none_ = false;
  caf::actor_clock& real_;
};

// Shares its work between threads that sleep when there is none; CAF's other policy polls.
class quiet_scheduler final : public caf::scheduler::coordinator<caf::policy::work_sharing> {
 public:
  explicit quiet_scheduler(caf::actor_system& system)
      : coordinator(system), clock_(coordinator::clock()) {}
  static caf::actor_system::module* make(caf::actor_system& system, caf::detail::type_list<>) {
    return new quiet_scheduler(system);
  }
  caf::detail::thread_safe_actor_clock& clock() noexcept override { return clock_; }

 private:
  quiet_clock clock_;
};

}  // namespace dunlin
