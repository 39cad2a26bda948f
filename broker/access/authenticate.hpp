// Who a client is, by its CONNECT: the part that needs no further packets.
//
// Pure. Used by the handshake; SCRAM goes on from there (scram.hpp).
#pragma once

#include <string_view>

#include "broker/access/users.hpp"
#include "broker/mqtt/packet.hpp"

namespace dunlin::access {

struct policy {
  bool anonymous = true;              // clients without credentials are let in
  const user_table* users = nullptr;  // null: none
};

struct verdict {
  mqtt::reason code = mqtt::reason::success;
  std::string_view why = {};   // static text
  bool exchange = false;       // the authentication method goes on with AUTH packets
  std::string_view user = {};  // who it is; empty: anonymous
};

// `certificate_user` is the name in a verified client certificate, empty when there is none.
verdict authenticate(const mqtt::connect& c, const policy& p,
                     std::string_view certificate_user = {});

}  // namespace dunlin::access
