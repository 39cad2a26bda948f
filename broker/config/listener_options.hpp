// A listener of the configuration in the form that broker/net takes.
//
// Used by check_listeners.cpp and serve.cpp.
#pragma once

#include "broker/net/transport_options.hpp"
#include "proto/config.pb.h"

namespace dunlin::configuration {

net::transport_options to_transport_options(const proto::Listener& l);
bool has_tls(proto::Listener::Transport t);
bool has_websocket(proto::Listener::Transport t);

}  // namespace dunlin::configuration
