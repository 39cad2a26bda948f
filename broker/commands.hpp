// The commands that ask a running node over its HTTP interface: dunlin reload.
//
// Used by cli.cpp. They print for people, or the node's JSON as it came, and return an exit code: 0
// done, 1 no answer or refused, 2 the configuration has faults.
#pragma once

#include <string>

namespace dunlin {

struct node_command {
  std::string url;    // of the node's HTTP interface
  bool json = false;  // the answer as it came
};

int reload_node(const node_command& c);

}  // namespace dunlin
