// The outbound rule's actor: takes messages from shards, keeps them in the spool, hands them to the
// message queue.
//
// Used by the factory and tests.
//   outbound_actor a = spawn_outbound(system, {...});
//   self->request(a, 10s, store{records, count}).then([](const stored&) {...}, [](const caf::error&
//   e) {...});
#pragma once

#include <caf/all.hpp>

#include "rules/actors.hpp"
#include "rules/driver.hpp"

namespace dunlin::rules {

outbound_actor spawn_outbound(caf::actor_system& system, driver_config config);

}  // namespace dunlin::rules
