// What the operator chooses where MQTT 5 leaves a choice (mqtt.* in dunlin.yaml).
#pragma once

#include <string>
#include <string_view>

#include "broker/mqtt/reason.hpp"

namespace dunlin {

struct mqtt_settings {
  // Given to 5.0 clients that ask for response information; "%c" is the client ID. Empty: none.
  std::string response_topic_prefix = {};
  // Where clients are sent when this node drains; empty: nowhere.
  std::string server_reference = {};
  bool server_moved = false;             // for good, else for now
  bool validate_payload_format = false;  // payloads that say they are UTF-8 must be

  // What a client is told that has to go because this node drains.
  mqtt::reason leave_code(mqtt::reason without_reference) const {
    if (server_reference.empty()) return without_reference;
    return server_moved ? mqtt::reason::server_moved : mqtt::reason::use_another_server;
  }
  std::string response_information(std::string_view client_id) const {
    std::string s = response_topic_prefix;
    for (size_t at = s.find("%c"); at != std::string::npos;
         at = s.find("%c", at + client_id.size()))
      s.replace(at, 2, client_id);
    return s;
  }
};

}  // namespace dunlin
