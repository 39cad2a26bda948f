// One MQTT client of the load tool: its roles, its connection's state and its buffers.
//
// Made by a scenario (roles), then owned and changed by one worker only. A client without output or
// partial input holds no buffer, so that tens of thousands of idle ones cost little.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/load/channel.hpp"
#include "tests/load/inbox.hpp"
#include "tests/load/message.hpp"

namespace dunlin::load {

struct publisher {
  uint32_t id = 0;  // in the stamp; 0 .. number of publishers - 1
  std::string topic;
  std::function<std::string(uint64_t sequence)>
      topic_of;                 // a topic of its own for each message; else `topic`
  uint64_t limit = UINT64_MAX;  // messages to send in all
  bool retain = false;

  publish_template message;
  uint64_t sent = 0;
  uint64_t acknowledged = 0;
  uint64_t acks_out_of_turn = 0;  // against [MQTT-4.6.0-2], -3
  std::vector<uint64_t> refused;  // sequences acknowledged with an error code
  uint32_t window = 0;            // after the server's receive maximum
  bool held = false;              // fixed rate: a message was due, and the broker took no more
  std::vector<uint64_t> sent_at;  // ring of the unacknowledged ones

  uint32_t in_flight() const { return uint32_t(sent - acknowledged); }
  // Packet ids follow the sequence, so an ack tells its message.
  static uint16_t packet_id_of(uint64_t sequence) { return uint16_t(sequence % 65'535 + 1); }
};

struct subscriber {
  std::function<std::string(uint64_t k)> filter_of;
  uint64_t filters = 1;
  uint32_t batch = 1;   // filters in one SUBSCRIBE
  uint32_t window = 1;  // SUBSCRIBEs unanswered

  uint64_t asked = 0;
  uint32_t unanswered = 0;
  uint16_t packet_id = 0;
};

// opening: TLS and WebSocket come first. handshake: CONNECT is on its way.
enum class link : uint8_t { closed, opening, handshake, ready, lost };

struct client {
  uint32_t index = 0;
  std::string id;
  std::unique_ptr<publisher> pub;
  std::unique_ptr<subscriber> sub;
  std::unique_ptr<inbox> in;

  int fd = -1;
  link state = link::closed;
  bool watched = false;      // in the epoll set
  bool wants_write = false;  // EPOLLOUT is asked for
  std::string out;           // not yet taken by the socket from out_head on
  size_t out_head = 0;
  std::string partial;            // the beginning of a packet
  std::unique_ptr<channel> over;  // TLS, WebSocket; plain targets have none

  bool backlog() const { return out_head < out.size() || (over && over->unsent()); }
};

}  // namespace dunlin::load
