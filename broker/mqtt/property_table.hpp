// Every property of MQTT 5 (section 2.2.2.2, table 2-4): its identifier, its type on the wire, the
// packets that may carry it. Used by the decoder, the encoder and the property helpers.
#pragma once

#include <array>
#include <cstdint>

#include "broker/mqtt/packet.hpp"

namespace dunlin::mqtt {

namespace property {
constexpr uint8_t payload_format = 0x01;
constexpr uint8_t message_expiry_interval = 0x02;
constexpr uint8_t content_type = 0x03;
constexpr uint8_t response_topic = 0x08;
constexpr uint8_t correlation_data = 0x09;
constexpr uint8_t subscription_identifier = 0x0B;
constexpr uint8_t session_expiry_interval = 0x11;
constexpr uint8_t assigned_client_id = 0x12;
constexpr uint8_t server_keep_alive = 0x13;
constexpr uint8_t authentication_method = 0x15;
constexpr uint8_t authentication_data = 0x16;
constexpr uint8_t request_problem_information = 0x17;
constexpr uint8_t will_delay_interval = 0x18;
constexpr uint8_t request_response_information = 0x19;
constexpr uint8_t response_information = 0x1A;
constexpr uint8_t server_reference = 0x1C;
constexpr uint8_t reason_string = 0x1F;
constexpr uint8_t receive_maximum = 0x21;
constexpr uint8_t topic_alias_maximum = 0x22;
constexpr uint8_t topic_alias = 0x23;
constexpr uint8_t maximum_qos = 0x24;
constexpr uint8_t retain_available = 0x25;
constexpr uint8_t user_property = 0x26;
constexpr uint8_t maximum_packet_size = 0x27;
constexpr uint8_t wildcard_subscription_available = 0x28;
constexpr uint8_t subscription_identifiers_available = 0x29;
constexpr uint8_t shared_subscription_available = 0x2A;
constexpr uint8_t last = shared_subscription_available;
}  // namespace property

// A property's bit in a set of properties; every identifier fits.
constexpr uint64_t bit(uint8_t id) { return uint64_t{1} << id; }

enum class property_type : uint8_t { none, boolean, u16, u32, varint, utf8, binary, pair };

struct property_rule {
  property_type type = property_type::none;
  uint16_t packets = 0;  // 1 << packet_type; bit 0 is the will
};

constexpr uint16_t in(packet_type type) {
  return static_cast<uint16_t>(1u << static_cast<uint8_t>(type));
}
constexpr uint16_t in_will = 1;

constexpr std::array<property_rule, property::last + 1> property_rules = [] {
  using enum packet_type;
  constexpr uint16_t message = in(publish) | in_will;
  constexpr uint16_t opening = in(connect) | in(connack);
  constexpr uint16_t acks =
      in(puback) | in(pubrec) | in(pubrel) | in(pubcomp) | in(suback) | in(unsuback);
  constexpr uint16_t told = acks | in(connack) | in(disconnect) | in(auth);
  std::array<property_rule, property::last + 1> rules{};
  auto set = [&rules](uint8_t id, property_type type, int packets) {
    rules[id] = {type, static_cast<uint16_t>(packets)};
  };
  set(property::payload_format, property_type::boolean, message);
  set(property::message_expiry_interval, property_type::u32, message);
  set(property::content_type, property_type::utf8, message);
  set(property::response_topic, property_type::utf8, message);
  set(property::correlation_data, property_type::binary, message);
  set(property::subscription_identifier, property_type::varint, in(publish) | in(subscribe));
  set(property::session_expiry_interval, property_type::u32, opening | in(disconnect));
  set(property::assigned_client_id, property_type::utf8, in(connack));
  set(property::server_keep_alive, property_type::u16, in(connack));
  set(property::authentication_method, property_type::utf8, opening | in(auth));
  set(property::authentication_data, property_type::binary, opening | in(auth));
  set(property::request_problem_information, property_type::boolean, in(connect));
  set(property::will_delay_interval, property_type::u32, in_will);
  set(property::request_response_information, property_type::boolean, in(connect));
  set(property::response_information, property_type::utf8, in(connack));
  set(property::server_reference, property_type::utf8, in(connack) | in(disconnect));
  set(property::reason_string, property_type::utf8, told);
  set(property::receive_maximum, property_type::u16, opening);
  set(property::topic_alias_maximum, property_type::u16, opening);
  set(property::topic_alias, property_type::u16, in(publish));
  set(property::maximum_qos, property_type::boolean, in(connack));  // 0 or 1, 2 is told by absence
  set(property::retain_available, property_type::boolean, in(connack));
  set(property::user_property, property_type::pair,
      told | in(connect) | message | in(subscribe) | in(unsubscribe));
  set(property::maximum_packet_size, property_type::u32, opening);
  set(property::wildcard_subscription_available, property_type::boolean, in(connack));
  set(property::subscription_identifiers_available, property_type::boolean, in(connack));
  set(property::shared_subscription_available, property_type::boolean, in(connack));
  return rules;
}();

// The properties of a packet (or of the will) as a set.
constexpr uint64_t properties_of(uint16_t packet) {
  uint64_t set = 0;
  for (uint8_t id = 0; id <= property::last; ++id) {
    if ((property_rules[id].packets & packet) != 0) set |= bit(id);
  }
  return set;
}

// What goes on unaltered to subscribers [MQTT-3.3.2-4, -15, -16, -17, -18, -20].
constexpr uint64_t forwarded_set = bit(property::payload_format) | bit(property::content_type) |
                                   bit(property::response_topic) | bit(property::correlation_data) |
                                   bit(property::user_property);

}  // namespace dunlin::mqtt
