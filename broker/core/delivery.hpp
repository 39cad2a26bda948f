// One message for one receiver, with how that receiver's subscription wants it.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "broker/core/shared_text.hpp"
#include "broker/mqtt/message.hpp"

namespace dunlin::core {

// Names a shared subscription among those of one session.
inline uint32_t share_of(std::string_view group, std::string_view filter) {
  const size_t h = std::hash<std::string_view>{}(group)*31 + std::hash<std::string_view>{}(filter);
  return static_cast<uint32_t>(h ^ (h >> 32)) | 1;
}

struct delivery {
  mqtt::message_ptr msg;
  shared_text subscription_ids;  // encoded as in a packet (0x0B + varint each); empty: none
  uint8_t qos = 0;               // the lower of the message's and the subscription's
  bool retain = false;           // the flag that the receiver sees
  bool placed = false;           // shared: stays here while offline, since all members are
  bool paced = false;            // given on credit, or for another: never too much for the queue
  uint32_t share = 0;            // the shared subscription that it came by (share_of), 0: none
};

}  // namespace dunlin::core
