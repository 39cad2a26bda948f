// Every control packet of MQTT 3.1, 3.1.1 and 5.0 as a plain struct (OASIS MQTT 5.0 section
// 3, 3.1.1 section 3).
//
// Used by decode.hpp, encode.hpp, the session, the load tool and tests. A decoded packet holds
// views into the bytes it was decoded from: nothing is copied, and it is valid only as long as they
// are. A packet to encode holds views of the caller's.  Example: publish p; p.topic = "a/b";
// p.payload = "hi"; encode(p, version::v5, out);
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "broker/mqtt/reason.hpp"

namespace dunlin::mqtt {

enum class version : uint8_t { v31 = 3, v311 = 4, v5 = 5 };

enum class packet_type : uint8_t {
  connect = 1,
  connack,
  publish,
  puback,
  pubrec,
  pubrel,
  pubcomp,
  subscribe,
  suback,
  unsubscribe,
  unsuback,
  pingreq,
  pingresp,
  disconnect,
  auth
};

struct user_property {
  std::string_view key{}, value{};
  bool operator==(const user_property&) const = default;
};

// Properties of every packet but PUBLISH (MQTT 5, section 2.2.2). The decoder fills only what the
// packet may carry: a property in a packet that may not carry it, or twice, is malformed or a
// protocol error as the specification says.
struct properties {
  std::optional<uint32_t> session_expiry_interval{};         // 0x11, s
  std::optional<std::string_view> assigned_client_id{};      // 0x12
  std::optional<uint16_t> server_keep_alive{};               // 0x13, s
  std::optional<std::string_view> authentication_method{};   // 0x15
  std::optional<std::string_view> authentication_data{};     // 0x16
  std::optional<bool> request_problem_information{};         // 0x17
  std::optional<bool> request_response_information{};        // 0x19
  std::optional<std::string_view> response_information{};    // 0x1A
  std::optional<std::string_view> server_reference{};        // 0x1C
  std::optional<std::string_view> reason_string{};           // 0x1F
  std::optional<uint16_t> receive_maximum{};                 // 0x21
  std::optional<uint16_t> topic_alias_maximum{};             // 0x22
  std::optional<uint8_t> maximum_qos{};                      // 0x24
  std::optional<bool> retain_available{};                    // 0x25
  std::optional<uint32_t> maximum_packet_size{};             // 0x27, bytes
  std::optional<bool> wildcard_subscription_available{};     // 0x28
  std::optional<bool> subscription_identifiers_available{};  // 0x29
  std::optional<bool> shared_subscription_available{};       // 0x2A
  std::optional<uint32_t> subscription_identifier{};         // 0x0B (SUBSCRIBE)
  std::vector<user_property> user_properties{};              // 0x26, in order
  bool operator==(const properties&) const = default;
};

// Properties of PUBLISH and of a will. Trivially cheap to make: no container. `forwarded` is the
// part that goes on unaltered to subscribers, still encoded: payload format, content type, response
// topic, correlation data and user properties, in the order in which they came;
// for_each_user_property (properties.hpp) walks it.
//
// As decoded, `forwarded` reaches from the first of these properties to the last. When another one
// (0x02, 0x0B, 0x18, 0x23) stands between them it is in that range too, and forwarded_needs_filter
// is set. So whoever keeps the block takes it with forwarded_size and copy_forwarded
// (properties.hpp), which leave the others out: a kept block is always pure, and with it the flag
// is false. The encoder writes `forwarded` (filtered), expiry, alias and subscription identifiers;
// the fields marked "also in forwarded" are there to be read only.
struct publish_properties {
  std::string_view forwarded{};         // encoded properties without the length in front
  bool forwarded_needs_filter = false;  // others stand in between: see above
  std::optional<uint32_t> message_expiry_interval{};   // 0x02, s
  std::optional<uint16_t> topic_alias{};               // 0x23
  std::optional<std::string_view> content_type{};      // 0x03, also in `forwarded`
  std::optional<std::string_view> response_topic{};    // 0x08, also in `forwarded`
  std::optional<std::string_view> correlation_data{};  // 0x09, also in `forwarded`
  bool payload_is_utf8 = false;                        // 0x01, also in `forwarded`
  bool has_user_properties = false;                    // 0x26, also in `forwarded`
  // 0x0B, encoded ids (each 0x0B + varint), empty when there is none. Only a server may send them:
  // decode_publish serves both directions and accepts them; a server's session refuses a PUBLISH
  // that has one [MQTT-3.3.4-6]. As decoded, the view reaches from the first to the last;
  // for_each_subscription_identifier and the encoder pass over what is between.
  std::string_view subscription_identifiers{};
  bool operator==(const publish_properties&) const = default;
};

struct will_message {
  std::string_view topic{}, payload{};
  uint8_t qos = 0;
  bool retain = false;
  uint32_t delay_interval_s = 0;  // 0x18
  publish_properties props{};
  bool operator==(const will_message&) const = default;
};

struct connect {
  version ver = version::v311;
  bool clean_start = true;  // clean session in 3.x
  uint16_t keep_alive_s = 0;
  std::string_view client_id{};
  std::optional<will_message> will{};
  std::optional<std::string_view> user_name{};
  std::optional<std::string_view> password{};
  properties props{};
  bool bridge = false;  // protocol level with bit 7 set (Mosquitto's bridges)
  bool operator==(const connect&) const = default;
};

struct connack {
  bool session_present = false;
  reason code = reason::success;  // a v3 return code is mapped to its nearest reason when decoded
  properties props{};
  bool operator==(const connack&) const = default;
};

struct publish {
  std::string_view topic{};
  std::string_view payload{};
  uint16_t packet_id = 0;  // 0 with QoS 0
  uint8_t qos = 0;
  bool dup = false;
  bool retain = false;
  publish_properties props{};
  bool operator==(const publish&) const = default;
};

// PUBACK, PUBREC, PUBREL and PUBCOMP.
struct ack {
  packet_type type = packet_type::puback;
  uint16_t packet_id = 0;
  reason code = reason::success;
  std::string_view reason_string{};              // empty: none
  std::vector<user_property> user_properties{};  // in order
  bool operator==(const ack&) const = default;
};

struct subscription_options {
  uint8_t qos = 0;
  bool no_local = false;
  bool retain_as_published = false;
  uint8_t retain_handling = 0;  // 0: send, 1: send if new, 2: do not
  bool operator==(const subscription_options&) const = default;
};

struct subscribe_entry {
  std::string_view filter{};
  subscription_options options{};
  bool operator==(const subscribe_entry&) const = default;
};

struct subscribe {
  uint16_t packet_id = 0;
  std::vector<subscribe_entry> entries{};
  properties props{};
  bool operator==(const subscribe&) const = default;
};

struct suback {
  uint16_t packet_id = 0;
  std::vector<reason> codes{};
  properties props{};
  bool operator==(const suback&) const = default;
};

struct unsubscribe {
  uint16_t packet_id = 0;
  std::vector<std::string_view> filters{};
  properties props{};
  bool operator==(const unsubscribe&) const = default;
};

struct unsuback {
  uint16_t packet_id = 0;
  std::vector<reason> codes{};  // not on the wire in 3.x
  properties props{};
  bool operator==(const unsuback&) const = default;
};

struct pingreq {
  bool operator==(const pingreq&) const = default;
};
struct pingresp {
  bool operator==(const pingresp&) const = default;
};

struct disconnect {
  reason code = reason::success;
  properties props{};
  bool operator==(const disconnect&) const = default;
};

struct auth {
  reason code = reason::success;
  properties props{};
  bool operator==(const auth&) const = default;
};

using packet = std::variant<connect, connack, publish, ack, subscribe, suback, unsubscribe,
                            unsuback, pingreq, pingresp, disconnect, auth>;

}  // namespace dunlin::mqtt
