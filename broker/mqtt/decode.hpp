// Bytes to packets, for both directions, without I/O and without state beyond the limits.
//
// Used by net/connection (server side), the load tool and tests (client side), and the fuzzers. Two steps, so that the
// hot path pays for one packet type only:
//
//   frame_result f = next_frame(bytes, max_packet_size);   // fixed header: need_more, malformed or frame
//   publish_result p = decode_publish(frame, version::v5);  // views into the frame's body
//
// No function throws, allocates more than the packet's own size calls for, or reads past its input. `malformed` carries
// the reason code that the specification names (0x81 malformed packet, 0x82 protocol error, 0x95 packet too large, ...)
// and a short constant text for logs and the reason string.
#pragma once

#include <string_view>
#include <variant>

#include "broker/mqtt/packet.hpp"

namespace dunlin::mqtt {

struct need_more {};
struct malformed {
  reason code;
  std::string_view why;  // static text
};

struct frame {
  packet_type type;
  uint8_t flags;          // low four bits of the first byte
  std::string_view body;  // after the remaining length
  size_t size;            // of the whole packet with its fixed header
};

using frame_result = std::variant<frame, need_more, malformed>;
template <class T>
using decode_result = std::variant<T, malformed>;

// The first whole packet in `in`. A packet longer than max_packet_size (of the whole packet, bytes) is malformed with
// packet_too_large as soon as its length is known [MQTT-3.2.2-15].
frame_result next_frame(std::string_view in, size_t max_packet_size);

// CONNECT tells its own version. Protocol name or level not ours: unsupported_protocol_version.
decode_result<connect> decode_connect(const frame& f);
decode_result<publish> decode_publish(const frame& f, version v);
decode_result<ack> decode_ack(const frame& f, version v);
decode_result<subscribe> decode_subscribe(const frame& f, version v);
decode_result<unsubscribe> decode_unsubscribe(const frame& f, version v);
decode_result<disconnect> decode_disconnect(const frame& f, version v);
decode_result<auth> decode_auth(const frame& f, version v);
// What a client receives.
decode_result<connack> decode_connack(const frame& f, version v);
decode_result<suback> decode_suback(const frame& f, version v);
decode_result<unsuback> decode_unsuback(const frame& f, version v);

// Any packet, by its type; for tests, tools and fuzzers.
decode_result<packet> decode(const frame& f, version v);

}  // namespace dunlin::mqtt
