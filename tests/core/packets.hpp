// What a core wrote, packet by packet, and messages for it.
//
// Used by the tests of core/.   auto got = packets_of(out, version::v5); got[0].type, got[0].id,
// got[0].payload
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "broker/mqtt/decode.hpp"
#include "broker/mqtt/message.hpp"

namespace dunlin::core {

struct seen_packet {
  mqtt::packet_type type;
  uint16_t id = 0;
  uint8_t qos = 0;
  bool dup = false;
  bool retain = false;
  std::string topic, payload;
  mqtt::reason code = mqtt::reason::success;
  std::vector<uint32_t> subscription_ids;
  uint32_t expiry_s = 0;  // 0: none
};

// Every packet in `bytes`, which must hold whole packets; emptied afterwards.
inline std::vector<seen_packet> packets_of(std::string& bytes, mqtt::version v) {
  std::vector<seen_packet> all;
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const auto result = mqtt::next_frame(rest, ~0u);
    const auto* f = std::get_if<mqtt::frame>(&result);
    if (!f) {
      all.push_back({mqtt::packet_type::auth, 0, 0, false, false, "damaged", {}, {}, {}, 0});
      break;
    }
    seen_packet s{f->type, 0, 0, false, false, {}, {}, {}, {}, 0};
    if (f->type == mqtt::packet_type::publish) {
      const auto d = mqtt::decode_publish(*f, v);
      const auto& p = std::get<mqtt::publish>(d);
      s.id = p.packet_id;
      s.qos = p.qos;
      s.dup = p.dup;
      s.retain = p.retain;
      s.topic = p.topic;
      s.payload = p.payload;
      s.expiry_s = p.props.message_expiry_interval.value_or(0);
    } else {
      const auto d = mqtt::decode_ack(*f, v);
      const auto& a = std::get<mqtt::ack>(d);
      s.id = a.packet_id;
      s.code = a.code;
    }
    all.push_back(std::move(s));
    rest.remove_prefix(f->size);
  }
  bytes.clear();
  return all;
}

inline mqtt::message_ptr make_message(std::string_view topic, std::string_view payload,
                                      uint8_t qos = 1) {
  return mqtt::message::make({.topic = topic, .payload = payload, .qos = qos});
}
inline mqtt::message_ptr make_expiring(std::string_view topic, std::string_view payload,
                                       uint8_t qos, uint32_t expiry_s, uint64_t now_ms) {
  mqtt::publish_properties p;
  p.message_expiry_interval = expiry_s;
  return mqtt::message::make(
      {.topic = topic, .payload = payload, .qos = qos, .props = p, .now_ms = now_ms});
}

}  // namespace dunlin::core
