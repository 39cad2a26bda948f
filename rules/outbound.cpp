#include "rules/outbound.hpp"

#include <memory>
#include <utility>

#include "rules/told.hpp"

namespace dunlin::rules {
namespace {

using outbound_impl = outbound_actor::extend<caf::reacts_to<progress>>;

struct outbound_state {
  static inline const char* name = "outbound";
  std::unique_ptr<driver> run;
};
using self_ptr = told<outbound_impl::stateful_base<outbound_state>>*;

void quit_when_done(self_ptr self) {
  if (!self->state.run->done()) return;
  self->state.run->answer_all(ec::stopping);
  self->quit();
}

caf::typed_response_promise<stored> on_store(self_ptr self, store& s) {
  auto promise = self->make_response_promise<stored>();
  auto count = s.count;
  self->state.run->store(std::move(s.records), count, [promise, count](ec result) mutable {
    if (result == ec::none) {
      promise.deliver(stored{count});
    } else {
      promise.deliver(make_error(result));
    }
  });
  return promise;
}

outbound_impl::behavior_type outbound(self_ptr self, std::shared_ptr<driver_config> config) {
  self->state.run = std::make_unique<driver>(self, std::move(*config));
  return {
      [self](store& s) { return on_store(self, s); },
      [self](const describe&) { return self->state.run->status(); },
      [self](const stop&) {
        self->state.run->stop();
        quit_when_done(self);
      },
      [self](const progress& p) {
        self->state.run->handle(p);
        quit_when_done(self);
      },
  };
}

}  // namespace

outbound_actor spawn_outbound(caf::actor_system& system, driver_config config) {
  return system.spawn(outbound, std::make_shared<driver_config>(std::move(config)));
}

}  // namespace dunlin::rules
