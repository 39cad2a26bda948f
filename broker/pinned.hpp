// An actor that always runs on its own reactor, as CAF's io::abstract_broker does: its state needs
// no lock, and a message within a reactor costs no wake-up.
//
// Base of sessions, shards, registries and ingress.  class shard : public pinned<shard_actor::base>
// { ... }; The home may change:
// * An actor goes by itself with move_to(), as a session whose client came back on another reactor
//   does; it knows that it has arrived when a message to itself finds at_home() true.
// * The node uses more or fewer reactors (net/placement.hpp). Then place() says where the actor
//   belongs. It leaves before it handles its next message, when nobody but this thread can run it,
//   so its messages stay in their order and find it in one piece.
#pragma once

#include <caf/all.hpp>

#include <atomic>
#include <utility>

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
    if (where != &h) return hand_on(h);  // queued here before it moved
    DUNLIN_TSAN_ACQUIRE(this);
    if (placed_ != h.placement().version()) [[unlikely]] {
      if (net::reactor* to = take_place(h)) return hand_on(*to);
    }
    auto result = Base::resume(where, max);
    handled();
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

  // Follows the next change only: here is as good as anywhere.
  void stay() { placed_ = home().placement().version(); }
  // Where it belongs; null: it cannot go now.
  virtual net::reactor* place() { return &home(); }
  // After the messages that it was resumed for, still at home.
  virtual void handled() {}
  // Takes what its home knows of it (timers, a connection) along: the last at the old home, the
  // first at the new one.
  virtual void leave_home() {}
  virtual void arrive_home() {}

 private:
  // With its reference.
  caf::resumable::resume_result hand_on(net::reactor& to) {
    caf::intrusive_ptr_add_ref(static_cast<caf::resumable*>(this));
    to.exec_later(this);
    return caf::resumable::awaiting_message;
  }
  // Null: it stays here.
  net::reactor* take_place(net::reactor& here) {
    if (std::exchange(travels_, false)) arrive_home();
    const uint32_t version = here.placement().version();
    net::reactor* const to = place();
    if (to == &here) placed_ = version;
    if (to == nullptr || to == &here || !here.take_move()) return nullptr;
    leave_home();
    here.count().moved.add();
    travels_ = true;  // placed_ stays behind: there is something to do where it arrives
    move_to(*to);
    DUNLIN_TSAN_RELEASE(this);
    return to;
  }

  std::atomic<net::reactor*> home_;
  uint32_t placed_ = 0;  // version of the placement that it has followed
  bool travels_ = false;
};

// Spawns a pinned actor class on a reactor.
template <class Actor, class... A>
auto spawn_pinned(caf::actor_system& system, net::reactor& r, A&&... a) {
  caf::actor_config c{&r};
  return system.spawn_class<Actor, caf::no_spawn_options>(c, std::forward<A>(a)...);
}

}  // namespace dunlin
