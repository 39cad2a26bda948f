// The client status rule's actor: tells backends which clients of a group came and went.
//
// Used by the factory and tests. An event becomes one queue message: body as status_json says, tag
// the event type, key the client ID. Events go through the spool like an outbound rule's messages
// (durable, tried again, dead letters); one that finds the spool full or its disk failing is
// dropped and counted as refused.
#pragma once

#include <caf/all.hpp>
#include <string>

#include "rules/actors.hpp"
#include "rules/driver.hpp"

namespace dunlin::rules {

// "connect", "disconnect", "tcpclean".
std::string_view event_type(client_event_kind kind);

// {"clientId":"GID_a@@@1","channelId":"c6","clientIp":"1.2.3.4:5678","eventType":"connect","time":1609434061000}
std::string status_json(const client_event& e);

status_actor spawn_status(caf::actor_system& system, driver_config config);

}  // namespace dunlin::rules
