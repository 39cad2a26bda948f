// The command line: dunlin serve | check | show-config | scram-user | version, and reload | trace |
// slow | clients, which ask a running node.
//
// Used by main.cpp:  return run_cli(argc, argv, [](const loaded_config& c) { return run_node(c);
// }); Exit codes: 0 done, 1 failed while running (serve's own), 2 wrong command line or
// configuration.
#pragma once

#include <functional>

#include "broker/config.hpp"

namespace dunlin {

inline constexpr int exit_wrong_configuration = 2;

// `serve` runs with a configuration that was found to be good, after the log has been configured.
int run_cli(int argc, char** argv, std::function<int(const loaded_config&)> serve);

}  // namespace dunlin
