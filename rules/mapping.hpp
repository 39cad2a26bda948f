// Device messages as messages of the message queue, and back: the product's property names. Pure.
//
// Used by outbound (to_queue), inbound (from_queue). Payloads pass untouched.
//
// To the queue:
// * body: the payload
// * tag: MQTT_COMMON
// * key: the publisher's client ID, so that a console's search by key finds a device's messages;
//   none when it has a space or is empty
// * topic, mqttSecondTopic: the whole topic; its levels from the second on, with a leading slash
// * clientId, qoslevel: the publisher's client ID; 0, 1 or 2
// * mqtt5UserProperty: [{"key":"k","value":"v"},...], at most 8 KB
// * mqtt5MsgExpireInterval: seconds left, at most 65535
// * mqtt5ContentType
// * message group, with order: device: the client ID (a digest when it is no valid group)
//
// From the queue: mqttSecondTopic (with or without the leading slash; none: the parent topic
// itself), mqttRealTopic, qoslevel (default 1), the mqtt5 properties. Tag and other properties
// (cleansessionflag among them: the receiver's session decides) are accepted and not needed.
//
// A message that the queue would refuse for ever (control characters in a property, more than
// 16,384 bytes of them, an empty body) is refused here, with the reason: the rule keeps it as a
// dead letter.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "rules/actors.hpp"
#include "rules/message_queue.hpp"
#include "rules/record.hpp"

namespace dunlin::rules {

inline constexpr std::string_view outbound_tag = "MQTT_COMMON";
inline constexpr std::string_view envelope_tag = "MQTT_ENVELOPE";
inline constexpr std::string_view envelope_format = "envelope/1";

inline constexpr size_t user_property_json_max = 8 * 1024;  // bytes
inline constexpr size_t properties_bytes_max =
    16 * 1024;  // names, values, tag and keys of one queue message
inline constexpr uint32_t queue_expiry_max_s = 65535;  // longer ones are told as this

// Why a message cannot be mapped, for the dead letter.
struct unmappable {
  std::string reason;
};

// Seconds left of a device message's expiry; nothing when it has none. 0 is left when it is over.
std::optional<uint32_t> expiry_left(std::optional<uint32_t> expiry_s, int64_t born_ms,
                                    int64_t now_ms);
bool expired(std::optional<uint32_t> expiry_s, int64_t born_ms, int64_t now_ms);

// Fills body, tag, keys, properties and born_ms.
std::optional<unmappable> to_queue(const device_message& m, int64_t now_ms, queue_message& out);

// The client ID where it is a valid message group (1..63 bytes, no control character), else a
// digest of it.
std::string message_group_of(std::string_view client_id);

// What the receivers get, or why there is none. `parent` is the rule's MQTT topic.
std::variant<inbound_message, unmappable> from_queue(queue_message m, std::string_view parent,
                                                     int64_t now_ms);

// Whether the queue's message outlived its mqtt5MsgExpireInterval.
bool expired(const queue_message& m, int64_t now_ms);

}  // namespace dunlin::rules
