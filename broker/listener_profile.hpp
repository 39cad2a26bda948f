// What a listener gives to the connections that it accepts: its name in logs and metrics, and its
// own limits.
//
// Made by the node, one for each listener; the handshake and the session of a connection hold it.
#pragma once

#include <memory>
#include <string>

#include "broker/guard/listener_guard.hpp"
#include "broker/net/transport_options.hpp"

namespace dunlin {

struct listener_profile {
  std::string name;
  // Its limits and what its connections share; set by the node before it accepts. Null: no limits.
  mutable guard::listener_guard* guard = nullptr;
};
using listener_ptr = std::shared_ptr<const listener_profile>;

// How a listener is opened.
struct listener_config {
  std::string address;
  listener_ptr profile;
  net::transport_options transport = {};
};

}  // namespace dunlin
