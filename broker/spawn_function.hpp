// Spawns a function as an actor: f(self).
//
// CAF 0.17.6 binds a reference to null where a function is spawned without arguments
// (init_fun_factory.hpp), which the undefined-behaviour sanitizer rightly refuses: here it always
// has one.
#pragma once

#include <caf/all.hpp>

#include <utility>

#include "rules/told.hpp"

namespace dunlin {

using function_actor = rules::told<caf::event_based_actor>;

template <caf::spawn_options Options = caf::no_spawn_options, class F>
auto spawn_function(caf::actor_system& system, F f) {
  return system.spawn<Options>(
      [f = std::move(f)](function_actor* self, int) mutable { return f(self); }, 0);
}

}  // namespace dunlin
