// A session as an operator sees it.
#pragma once

#include <cstdint>
#include <string>

namespace dunlin::operate {

struct session_facts {
  bool found = false;
  bool connected = false;
  std::string client_id;
  std::string address;   // of the connection; empty: offline
  std::string listener;  // its name
  std::string user;
  std::string version;  // of MQTT: 3.1, 3.1.1, 5.0
  uint64_t keep_alive_s = 0;
  uint64_t session_expiry_s = 0;
  uint64_t subscriptions = 0;
  uint64_t queued_messages = 0, queued_bytes = 0;
  uint64_t in_flight = 0;  // sent and not acknowledged
  uint64_t unsent_bytes = 0;
  bool held = false;              // it is not read until its messages are taken
  bool holds_publishers = false;  // because its output or queue is full
  bool slow = false;              // for longer than limits.slow_grace_ms
};

}  // namespace dunlin::operate
