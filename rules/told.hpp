// The base of an actor on CAF's own scheduler that tells the thread sanitizer of its messages; just
// that base in other builds. (Pinned actors: broker/pinned.hpp.)
//
//   using self_ptr = told<outbound_impl::stateful_base<outbound_state>>*;
#pragma once

#include <caf/all.hpp>

#include <utility>

#include "base/thread_sanitizer.hpp"

namespace dunlin::rules {

template <class Base>
class told : public Base {
 public:
  using Base::Base;

#if defined(__SANITIZE_THREAD__)
  // CAF's clock, like every thread that is no actor's, says no `where`. What an actor had it send
  // itself it throws away here when that actor has ended.
  void enqueue(caf::mailbox_element_ptr p, caf::execution_unit* where) override {
    if (!where) DUNLIN_TSAN_ACQUIRE(this);
    DUNLIN_TSAN_RELEASE(this);
    Base::enqueue(std::move(p), where);
  }
  void enqueue(caf::strong_actor_ptr from, caf::message_id id, caf::message m,
               caf::execution_unit* where) override {
    DUNLIN_TSAN_RELEASE(this);
    Base::enqueue(std::move(from), id, std::move(m), where);
  }
  void launch(caf::execution_unit* where, bool lazy, bool hide) override {
    DUNLIN_TSAN_RELEASE(this);
    Base::launch(where, lazy, hide);
  }
  caf::resumable::resume_result resume(caf::execution_unit* where, size_t max) override {
    DUNLIN_TSAN_ACQUIRE(this);
    return Base::resume(where, max);
  }
  // Before resume returns another thread may run the actor: each step is handed over at its own
  // end.
  void initialize() override {
    Base::initialize();
    DUNLIN_TSAN_RELEASE(this);
  }
  caf::invoke_message_result consume(caf::mailbox_element& m) override {
    DUNLIN_TSAN_ACQUIRE(this);
    auto result = Base::consume(m);
    DUNLIN_TSAN_RELEASE(this);
    return result;
  }
  // What is still in its mailbox when it ends is thrown away.
  bool cleanup(caf::error&& why, caf::execution_unit* where) override {
    DUNLIN_TSAN_ACQUIRE(this);
    return Base::cleanup(std::move(why), where);
  }
#endif
};

}  // namespace dunlin::rules
