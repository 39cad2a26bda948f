#include "broker/control.hpp"

#include <caf/all.hpp>

#include <mutex>
#include <utility>

#include "broker/node.hpp"
#include "broker/spawn_function.hpp"

namespace dunlin {
struct time_is_over {};
}  // namespace dunlin

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(dunlin::time_is_over)

namespace dunlin {
namespace {

// Runs f on a thread of the actor system when the time has passed.
void run_after(caf::actor_system& system, std::chrono::milliseconds t, std::function<void()> f) {
  spawn_function(system, [t, f = std::move(f)](function_actor* self) -> caf::behavior {
    self->delayed_send(self, t, time_is_over{});
    return {[self, f](const time_is_over&) {
      f();
      self->quit();
    }};
  });
}

// Collects the answers of reactors; done with the last, or when it is called off.
struct ranking {
  ranking(operate::rank r, size_t n, size_t d) : by(r), most(n), due(d) {}

  void add(std::vector<operate::slow_subscriber> some) {
    std::unique_lock lock(mutex);
    if (!done) return;
    all.insert(all.end(), std::make_move_iterator(some.begin()),
               std::make_move_iterator(some.end()));
    if (--due == 0) finish(lock);
  }
  void call_off() {
    std::unique_lock lock(mutex);
    if (done) finish(lock);
  }
  void finish(std::unique_lock<std::mutex>& lock) {
    const auto answer = std::exchange(done, nullptr);
    auto worst = operate::rank_by(std::move(all), by, most);
    lock.unlock();
    answer(std::move(worst));
  }

  const operate::rank by;
  const size_t most;
  std::mutex mutex;
  size_t due;
  std::vector<operate::slow_subscriber> all;
  std::function<void(std::vector<operate::slow_subscriber>)> done;
};

}  // namespace

void provide_control(api::provider& p, caf::actor_system& system, directory& where) {
  p.traces = &where.traces;
  p.monotonic_ms = monotonic_ms;
  p.after = [&system](std::chrono::milliseconds t, std::function<void()> f) {
    run_after(system, t, std::move(f));
  };
  p.start_trace = [&where](operate::trace_request r) {
    auto t = where.traces.start(std::move(r), where.now().trace, monotonic_ms());
    if (t.ok())
      caf::anon_send(where.registries[where.registry_of((*t)->request().client_id)],
                     begin_trace{*t});
    return t;
  };
  p.slow_subscribers = [&system, &where](operate::rank by, size_t most, auto done) {
    auto r = std::make_shared<ranking>(by, most, where.reactors.size());
    r->done = std::move(done);
    for (auto* reactor : where.reactors)
      reactor->post([r, reactor] {
        r->add(operate::lag_board::of_this_thread()->worst(r->by, r->most, reactor->now_ms()));
      });
    run_after(system, control_timeout, [r] { r->call_off(); });
  };
  p.client = [&system, &where](std::string id, auto done) {
    spawn_function(system, [&where, id = std::move(id),
                            done = std::move(done)](function_actor* self) {
      self->request(where.registries[where.registry_of(id)], control_timeout, describe_client{id})
          .then([done](const operate::session_facts& f) { done(f); },
                [done](const caf::error&) { done(std::nullopt); });
    });
  };
  p.disconnect_client = [&where](std::string id, std::string why) {
    caf::anon_send(where.registries[where.registry_of(id)],
                   disconnect_client{id, mqtt::reason::administrative_action, std::move(why)});
  };
}

}  // namespace dunlin
