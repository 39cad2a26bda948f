// The commands that ask a running node over its HTTP interface: dunlin reload, trace,
// slow, clients and bans.
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

// About one of client, user and address.
struct ban_command {
  std::string client, user, address;
  uint32_t seconds = 0;  // 0: for ever
  std::string reason, by;
};
int list_bans(const node_command& c);
int add_ban(const node_command& c, const ban_command& b);
int remove_ban(const node_command& c, const ban_command& b);

}  // namespace dunlin
