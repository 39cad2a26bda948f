// Bytes to packets, for both directions, without I/O and without state beyond the limits.
//
// Used by net/connection (server side), the load tool and tests (client side), and the fuzzers. Two
// steps, so that the hot path pays for one packet type only:
//
//   frame_result f = next_frame(bytes, max_packet_size);  // need_more, malformed or frame
//   decode_result<publish> p = decode_publish(frame, version::v5);  // views into the frame's body
//
// No function throws, allocates more than the packet's own size calls for, or reads past its input.
// `malformed` carries the reason code that the specification names (0x81 malformed packet, 0x82
// protocol error, 0x95 packet too large, ...) and a short constant text for logs and the reason
// string.
#pragma once

#include <string_view>
#include <variant>

#include "broker/mqtt/packet.hpp"

namespace dunlin::mqtt {

struct need_more {};

struct frame {
  packet_type type;
  uint8_t flags;          // low four bits of the first byte
  std::string_view body;  // after the remaining length
  size_t size;            // of the whole packet with its fixed header
};

using frame_result = std::variant<frame, need_more, malformed>;
template <class T>
using decode_result = std::variant<T, malformed>;

// The first whole packet in `in`. A packet longer than max_packet_size (of the whole packet, bytes)
// is malformed with packet_too_large as soon as its length is known [MQTT-3.2.2-15]. A frame has a
// defined type and the flags of that type (2.1.3); the functions below rely on it. A PINGREQ or
// PINGRESP needs no decoding: its frame is empty.
inline frame_result next_frame(std::string_view in, size_t max_packet_size);

// CONNECT tells its own version. Protocol name or level not ours: unsupported_protocol_version.
decode_result<connect> decode_connect(const frame& f);
// For an answer to a CONNECT that is malformed: the version that it names, or the nearest that we
// speak.
version connect_version(const frame& f);

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

// -- implementation ------------------------------------------------------------------------------

namespace decode_detail {

// For each type the set of flags that its first byte may have. The second value of PUBREL,
// SUBSCRIBE and UNSUBSCRIBE is the DUP flag of MQTT 3.1; PUBLISH has all but QoS 3.
constexpr uint16_t flags_allowed[16] = {
    0,                 // reserved
    1 << 0,            // CONNECT
    1 << 0,            // CONNACK
    0x3F3F,            // PUBLISH
    1 << 0,            // PUBACK
    1 << 0,            // PUBREC
    1 << 2 | 1 << 10,  // PUBREL
    1 << 0,            // PUBCOMP
    1 << 2 | 1 << 10,  // SUBSCRIBE
    1 << 0,            // SUBACK
    1 << 2 | 1 << 10,  // UNSUBSCRIBE
    1 << 0,            // UNSUBACK
    1 << 0,            // PINGREQ
    1 << 0,            // PINGRESP
    1 << 0,            // DISCONNECT
    1 << 0,            // AUTH
};

}  // namespace decode_detail

inline frame_result next_frame(std::string_view in, size_t max_packet_size) {
  if (in.size() < 2) return need_more{};
  auto first = static_cast<uint8_t>(in[0]);
  auto type = static_cast<packet_type>(first >> 4);
  uint8_t flags = first & 0x0F;
  if ((decode_detail::flags_allowed[first >> 4] >> flags & 1) == 0) [[unlikely]] {
    return malformed{reason::malformed_packet, "packet type or flags not defined"};
  }
  auto byte = static_cast<uint8_t>(in[1]);
  size_t length = byte & 0x7F;
  size_t header = 2;
  while (byte >= 0x80) {
    if (header == 5) [[unlikely]] {
      return malformed{reason::malformed_packet, "remaining length has more than four bytes"};
    }
    if (header == in.size()) return need_more{};
    byte = static_cast<uint8_t>(in[header]);
    length |= static_cast<size_t>(byte & 0x7F) << (7 * (header - 1));
    ++header;
  }
  size_t size = header + length;
  if (size > max_packet_size) [[unlikely]] {
    return malformed{reason::packet_too_large, "packet longer than the maximum packet size"};
  }
  if (length != 0 && (type == packet_type::pingreq || type == packet_type::pingresp)) [[unlikely]] {
    return malformed{reason::malformed_packet, "PINGREQ or PINGRESP with a body"};
  }
  if (in.size() < size) return need_more{};
  return frame{type, flags, {in.data() + header, length}, size};
}

}  // namespace dunlin::mqtt
