// What the HTTP interface asks of the actors of a node, without waiting: answers come on other
// threads, within control_timeout.
//
// Used by serve.cpp.   provide_control(*provider, node.system(), node.where());
#pragma once

#include <caf/actor_system.hpp>

#include <chrono>

#include "broker/api/provider.hpp"
#include "broker/directory.hpp"

namespace dunlin {

inline constexpr std::chrono::milliseconds control_timeout{2000};

// Fills in traces, clients and slow subscribers. All three outlive the node's HTTP interface.
void provide_control(api::provider& p, caf::actor_system& system, directory& where);

}  // namespace dunlin
