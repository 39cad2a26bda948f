// The property block of a packet, encoded: its length and the properties in the order of their
// identifiers.
//
// Private to the encoder. A sink is a writer or a size_counter (wire.hpp).
#pragma once

#include <string_view>

#include "broker/mqtt/packet.hpp"
#include "broker/mqtt/properties.hpp"
#include "broker/mqtt/property_table.hpp"
#include "broker/mqtt/wire.hpp"

namespace dunlin::mqtt {

template <class Sink>
void put_user_properties(Sink& s, const std::vector<user_property>& properties) {
  for (const user_property& p : properties) {
    s.u8(property::user_property);
    s.binary(p.key);
    s.binary(p.value);
  }
}

template <class Sink>
void put_properties(Sink& s, const properties& p) {
  auto byte = [&s](uint8_t id, const auto& value) {
    if (!value) return;
    s.u8(id);
    s.u8(static_cast<uint8_t>(*value));
  };
  auto u16 = [&s](uint8_t id, std::optional<uint16_t> value) {
    if (!value) return;
    s.u8(id);
    s.u16(*value);
  };
  auto u32 = [&s](uint8_t id, std::optional<uint32_t> value) {
    if (!value) return;
    s.u8(id);
    s.u32(*value);
  };
  auto text = [&s](uint8_t id, std::optional<std::string_view> value) {
    if (!value) return;
    s.u8(id);
    s.binary(*value);
  };
  if (p.subscription_identifier) {
    s.u8(property::subscription_identifier);
    s.varint(*p.subscription_identifier);
  }
  u32(property::session_expiry_interval, p.session_expiry_interval);
  text(property::assigned_client_id, p.assigned_client_id);
  u16(property::server_keep_alive, p.server_keep_alive);
  text(property::authentication_method, p.authentication_method);
  text(property::authentication_data, p.authentication_data);
  byte(property::request_problem_information, p.request_problem_information);
  byte(property::request_response_information, p.request_response_information);
  text(property::response_information, p.response_information);
  text(property::server_reference, p.server_reference);
  text(property::reason_string, p.reason_string);
  u16(property::receive_maximum, p.receive_maximum);
  u16(property::topic_alias_maximum, p.topic_alias_maximum);
  byte(property::maximum_qos, p.maximum_qos);
  byte(property::retain_available, p.retain_available);
  put_user_properties(s, p.user_properties);
  u32(property::maximum_packet_size, p.maximum_packet_size);
  byte(property::wildcard_subscription_available, p.wildcard_subscription_available);
  byte(property::subscription_identifiers_available, p.subscription_identifiers_available);
  byte(property::shared_subscription_available, p.shared_subscription_available);
}

template <class Sink>
void put_block(Sink& s, const properties& p) {
  size_counter n;
  put_properties(n, p);
  s.varint(static_cast<uint32_t>(n.size));
  put_properties(s, p);
}

inline size_t publish_block_size(const publish_properties& p) {
  size_t size = forwarded_size(p);
  if (p.message_expiry_interval) size += 1 + sizeof(uint32_t);
  if (p.topic_alias) size += 1 + sizeof(uint16_t);
  if (!p.subscription_identifiers.empty()) size += subscription_identifiers_size(p);
  return size;
}

// Without the length in front, which the caller has from publish_block_size.
inline void put_publish_block(writer& w, const publish_properties& p) {
  if (p.message_expiry_interval) {
    w.u8(property::message_expiry_interval);
    w.u32(*p.message_expiry_interval);
  }
  if (p.topic_alias) {
    w.u8(property::topic_alias);
    w.u16(*p.topic_alias);
  }
  if (!p.subscription_identifiers.empty()) {
    w.advance(copy_subscription_identifiers(p, w.position()));
  }
  w.advance(copy_forwarded(p, w.position()));
}
inline void put_publish_block(size_counter& n, const publish_properties& p) {
  n.size += publish_block_size(p);
}

}  // namespace dunlin::mqtt
