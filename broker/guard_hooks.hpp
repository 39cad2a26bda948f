// Joins the guard to the node's actors and reactors.
#pragma once

#include "broker/directory.hpp"

namespace dunlin {

// Makes a watch for each reactor, and lets a ban end the connections that it is about. Once, when
// reactors and registries are there and before the reactors run.
void start_guard(directory& d);
// When no reactor runs any more.
void stop_guard(directory& d);

}  // namespace dunlin
