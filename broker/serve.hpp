// Runs a node from its configuration until SIGTERM or SIGINT: joins the node, the rules, their
// message queue and the HTTP interface.
//
// Used by main.  Returns the process's exit code: 0 after an orderly end, 2 when the configuration
// cannot be served (a port that is taken, a data directory that cannot be used), before anything is
// accepted.
#pragma once

#include "broker/config.hpp"

namespace dunlin {

int serve(const loaded_config& loaded);

}  // namespace dunlin
