// PUBLISH: the hot path. One pass, no allocation; what is rare is out of line.
#include <cassert>

#include "broker/mqtt/ascii.hpp"
#include "broker/mqtt/decode.hpp"
#include "broker/mqtt/decode_properties.hpp"

namespace dunlin::mqtt {

namespace {

fault parse(const frame& f, version v, publish& out) {
  reader r(f.body);
  if (overlong(f, v)) [[unlikely]]
    return check_header(f, v);
  if (!r.binary(out.topic)) [[unlikely]]
    return cut_short();
  if (!ascii_topic(out.topic)) [[unlikely]] {
    if (fault bad = check_topic_name(out.topic)) return bad;
  }
  out.qos = f.flags >> 1 & 3;
  out.dup = (f.flags & 0x08) != 0;
  out.retain = (f.flags & 0x01) != 0;
  if (out.qos != 0) {
    if (!r.u16(out.packet_id)) [[unlikely]]
      return cut_short();
    if (out.packet_id == 0) [[unlikely]]
      return no_packet_id();  // [MQTT-2.2.1-3]
  } else if (out.dup && v != version::v31) [[unlikely]] {
    return malformed{reason::malformed_packet, "DUP flag with QoS 0 [MQTT-3.3.1-2]"};
  }
  if (v == version::v5) {
    std::string_view block;
    if (fault bad = read_block(r, block)) return bad;
    if (!block.empty()) {
      if (fault bad = parse_publish_block(block, out.props)) return bad;
    }
  }
  if (out.topic.empty()) [[unlikely]] {
    if (v != version::v5) return check_topic_name(out.topic);
    if (!out.props.topic_alias) {  // 3.3.2.1
      return malformed{reason::protocol_error, "no topic and no topic alias"};
    }
  }
  out.payload = {r.position(), r.left()};
  return {};
}

// An empty variant would value-initialize its publish, which clears all 168 bytes of it first: more
// than half of the time of the whole function. Made in place by this, only what has a meaning is
// set.
struct make_publish {
  operator publish() const { return {}; }
};

}  // namespace

decode_result<publish> decode_publish(const frame& f, version v) {
  assert(f.type == packet_type::publish);
  decode_result<publish> result(std::in_place_type<publish>, make_publish{});
  if (fault bad = parse(f, v, *std::get_if<publish>(&result))) [[unlikely]]
    result = *bad;
  return result;
}

}  // namespace dunlin::mqtt
