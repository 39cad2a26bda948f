// From an accepted connection to its session: waits for CONNECT, checks it, exchanges AUTH packets
// where the client asks for that (MQTT 5.0 section 4.12), and asks the registry.
//
// One for each connection that has not become a session's yet; it deletes itself. Used by the
// node's listeners.
#pragma once

#include "broker/directory.hpp"
#include "broker/listener_profile.hpp"
#include "broker/net/connection.hpp"

namespace dunlin {

// Takes charge of a new connection, on its reactor. Without a CONNECT within connect_timeout_ms it
// is closed.
void begin_handshake(net::connection_ptr c, directory& d, listener_ptr l);

}  // namespace dunlin
