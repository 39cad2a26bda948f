// The property block of a packet, decoded; and the small things that the parts of the decoder
// share.
//
// Private to the codec.  Example: if (fault bad = read_properties(r, packet_type::connack,
// p.props)) return *bad;
#pragma once

#include <optional>
#include <string_view>

#include "broker/mqtt/decode.hpp"
#include "broker/mqtt/packet.hpp"
#include "broker/mqtt/wire.hpp"

namespace dunlin::mqtt {

using fault = std::optional<malformed>;  // empty: all is well

// The property length and the properties of any packet but PUBLISH; takes them off `r`.
fault read_properties(reader& r, packet_type type, properties& out);

// The property length of any packet, and the block behind it.
fault read_block(reader& r, std::string_view& block);

// The block of a PUBLISH.
fault parse_publish_block(std::string_view block, publish_properties& out);
// The block of a will.
fault parse_will_block(std::string_view block, publish_properties& out, uint32_t& delay_interval_s);

fault check_topic_name(std::string_view topic);

// MQTT 5 forbids a length of more bytes than the value calls for [MQTT-1.5.5-1]; 3.x does not.
inline bool overlong(const frame& f, version v) {
  return v == version::v5 &&
         f.size - f.body.size() != 1 + varint_size(static_cast<uint32_t>(f.body.size()));
}

// What every packet but PUBLISH has in common in its fixed header: no overlong length, no DUP flag
// after MQTT 3.1.
fault check_header(const frame& f, version v);

// A decoder's result from its parser: fault parse(T& out).
template <class T, class Parse>
decode_result<T> run(Parse parse) {
  decode_result<T> result;
  if (fault bad = parse(*std::get_if<T>(&result))) result = *bad;
  return result;
}

inline constexpr malformed bad_code{reason::protocol_error,
                                    "reason code not defined for this packet"};

inline malformed cut_short() {
  return {reason::malformed_packet, "a field ends behind the packet, or is not well-formed"};
}
inline malformed trailing() { return {reason::malformed_packet, "bytes behind the last field"}; }
inline malformed no_packet_id() { return {reason::protocol_error, "packet identifier 0"}; }
inline malformed not_in_this_version() {
  return {reason::malformed_packet, "packet type not defined in this version"};
}

}  // namespace dunlin::mqtt
