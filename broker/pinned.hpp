// An actor that always runs on its own reactor, as CAF's io::abstract_broker does: its state needs
// no lock, and a message within a reactor costs no wake-up.
//
// Base of sessions, shards, registries and ingress.  class shard : public pinned<shard_actor::base>
// { ... }; The home may change (a session whose client came back on another reactor): set it with
// move_to(); the actor knows that it has arrived when a message to itself finds at_home() true.
#pragma once

#include <caf/all.hpp>

#include <atomic>

#include "base/thread_sanitizer.hpp"
#include "broker/net/reactor.hpp"

namespace dunlin {

template <class Base>
class pinned : public Base {
 public:
  template <class... A>
  explicit pinned(caf::actor_config& c, A&&... a)
      : Base(c, std::forward<A>(a)...), home_(static_cast<net::reactor*>(c.host)) {}

  net::reactor& home() const { return *home_.load(std::memory_order_acquire); }
  bool at_home() const { return net::reactor::current() == &home(); }

  // CAF's mailbox is not instrumented for ThreadSanitizer (Debian's library is not built with it):
  // the hand-over from sender to actor is told here.
  void enqueue(caf::mailbox_element_ptr p, caf::execution_unit*) override {
    DUNLIN_TSAN_RELEASE(this);
    Base::enqueue(std::move(p), &home());
  }
  void enqueue(caf::strong_actor_ptr from, caf::message_id id, caf::message m,
               caf::execution_unit*) override {
    DUNLIN_TSAN_RELEASE(this);
    Base::enqueue(std::move(from), id, std::move(m), &home());
  }
  void launch(caf::execution_unit*, bool lazy, bool hide) override {
    DUNLIN_TSAN_RELEASE(this);
    Base::launch(&home(), lazy, hide);
  }
  caf::resumable::resume_result resume(caf::execution_unit* where, size_t max) override {
    net::reactor& h = home();
    if (where != &h) {  // queued here before it moved: hand it on with its reference
      caf::intrusive_ptr_add_ref(static_cast<caf::resumable*>(this));
      h.exec_later(this);
      return caf::resumable::awaiting_message;
    }
    DUNLIN_TSAN_ACQUIRE(this);
    auto result = Base::resume(where, max);
    DUNLIN_TSAN_RELEASE(this);
    return result;
  }
#if defined(__SANITIZE_THREAD__)
  // Each message: more may come while it runs, and one that has moved may run at its new home
  // before resume() returns here.
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

 protected:
  void move_to(net::reactor& r) { home_.store(&r, std::memory_order_release); }

 private:
  std::atomic<net::reactor*> home_;
};

// Spawns a pinned actor class on a reactor.
template <class Actor, class... A>
auto spawn_pinned(caf::actor_system& system, net::reactor& r, A&&... a) {
  caf::actor_config c{&r};
  return system.spawn_class<Actor, caf::no_spawn_options>(c, std::forward<A>(a)...);
}

}  // namespace dunlin
