// The commands that ask a running node over its HTTP interface: dunlin reload, trace,
// slow and clients.
//
// Used by cli.cpp. They print for people, or the node's JSON as it came, and return an exit code: 0
// done, 1 no answer or refused, 2 the configuration has faults.
#pragma once

#include <cstdint>
#include <string>

namespace dunlin {

struct node_command {
  std::string url;    // of the node's HTTP interface
  bool json = false;  // the answer as it came
};

int reload_node(const node_command& c);

struct trace_command {
  std::string client;
  uint32_t seconds = 60;
  uint32_t payload_bytes = 0;
};
// Prints one line for each event until the time is over or SIGINT or SIGTERM comes.
int trace_client(const node_command& c, const trace_command& t);

int show_slow(const node_command& c, const std::string& by, uint32_t most);
int show_client(const node_command& c, const std::string& id);
int disconnect_client(const node_command& c, const std::string& id);

}  // namespace dunlin
