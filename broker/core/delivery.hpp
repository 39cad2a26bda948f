// One message for one receiver, with how that receiver's subscription wants it.
#pragma once

#include <cstdint>

#include "broker/core/shared_text.hpp"
#include "broker/mqtt/message.hpp"

namespace dunlin::core {

struct delivery {
  mqtt::message_ptr msg;
  shared_text subscription_ids;  // encoded as in a packet (0x0B + varint each); empty: none
  uint8_t qos = 0;               // the lower of the message's and the subscription's
  bool retain = false;           // the flag that the receiver sees
  bool shared = false;           // it came by a shared subscription alone
};

}  // namespace dunlin::core
