// CONNACK, the four acknowledgements of a PUBLISH, DISCONNECT, AUTH; and decode() over all types.
#include <cassert>
#include <utility>

#include "broker/mqtt/decode.hpp"
#include "broker/mqtt/decode_properties.hpp"

namespace dunlin::mqtt {

namespace {

bool ack_code(packet_type type, reason code) {
  if (code == reason::success) return true;
  if (type == packet_type::pubrel || type == packet_type::pubcomp) {
    return code == reason::packet_identifier_not_found;
  }
  switch (code) {
    case reason::no_matching_subscribers:
    case reason::unspecified_error:
    case reason::implementation_specific_error:
    case reason::not_authorized:
    case reason::topic_name_invalid:
    case reason::packet_identifier_in_use:
    case reason::quota_exceeded:
    case reason::payload_format_invalid:
      return true;
    default:
      return false;
  }
}

bool connack_code(uint8_t code) {
  if (code == 0 || (code >= 0x80 && code <= 0x8A)) return true;
  switch (static_cast<reason>(code)) {
    case reason::bad_authentication_method:
    case reason::topic_name_invalid:
    case reason::packet_too_large:
    case reason::quota_exceeded:
    case reason::payload_format_invalid:
    case reason::retain_not_supported:
    case reason::qos_not_supported:
    case reason::use_another_server:
    case reason::server_moved:
    case reason::connection_rate_exceeded:
      return true;
    default:
      return false;
  }
}

// The union of both directions (3.14.2.1 and table 2-6).
bool disconnect_code(uint8_t code) {
  if (code == 0x00 || code == 0x04) return true;
  if (code < 0x80 || code > 0xA2) return false;
  switch (code) {
    case 0x84:
    case 0x85:
    case 0x86:
    case 0x88:
    case 0x8A:
    case 0x91:
    case 0x92:
      return false;
    default:
      return true;
  }
}

fault read_v3_return_code(uint8_t code, connack& out) {
  constexpr reason codes[] = {
      reason::success,
      reason::unsupported_protocol_version,
      reason::client_identifier_not_valid,
      reason::server_unavailable,
      reason::bad_user_name_or_password,
      reason::not_authorized,
  };
  if (code >= std::size(codes)) return bad_code;
  out.code = codes[code];
  return {};
}

fault parse(const frame& f, version v, connack& out) {
  if (fault bad = check_header(f, v)) return bad;
  reader r(f.body);
  uint8_t flags;
  uint8_t code;
  if (!r.u8(flags) || !r.u8(code)) return cut_short();
  if (v != version::v31) {  // MQTT 3.1 leaves the first byte unused
    if (flags > 1) return malformed{reason::malformed_packet, "reserved flag [MQTT-3.2.2-1]"};
    out.session_present = flags == 1;
  }
  if (v == version::v5) {
    if (!connack_code(code)) return bad_code;
    out.code = static_cast<reason>(code);
    if (fault bad = read_properties(r, f.type, out.props)) return bad;
  } else if (fault bad = read_v3_return_code(code, out)) {
    return bad;
  }
  if (out.session_present && out.code != reason::success) {  // [MQTT-3.2.2-6]
    return malformed{reason::protocol_error, "session present in a refusal"};
  }
  if (!r.at_end()) return trailing();
  return {};
}

fault parse(const frame& f, version v, ack& out) {
  if (fault bad = check_header(f, v)) return bad;
  out.type = f.type;
  reader r(f.body);
  if (!r.u16(out.packet_id)) return cut_short();
  if (out.packet_id == 0) return no_packet_id();
  if (r.at_end()) return {};
  if (v != version::v5) return trailing();
  uint8_t code;
  r.u8(code);
  out.code = static_cast<reason>(code);
  if (!ack_code(f.type, out.code)) return bad_code;
  if (r.at_end()) return {};
  properties props;
  if (fault bad = read_properties(r, f.type, props)) return bad;
  out.reason_string = props.reason_string.value_or(std::string_view{});
  out.user_properties = std::move(props.user_properties);
  if (!r.at_end()) return trailing();
  return {};
}

fault parse(const frame& f, version v, disconnect& out) {
  if (fault bad = check_header(f, v)) return bad;
  reader r(f.body);
  uint8_t code;
  if (!r.u8(code)) return {};
  if (v != version::v5) return trailing();
  if (!disconnect_code(code)) return bad_code;
  out.code = static_cast<reason>(code);
  if (r.at_end()) return {};
  if (fault bad = read_properties(r, f.type, out.props)) return bad;
  if (!r.at_end()) return trailing();
  return {};
}

fault parse(const frame& f, version v, auth& out) {
  if (v != version::v5) return not_in_this_version();
  if (fault bad = check_header(f, v)) return bad;
  reader r(f.body);
  uint8_t code;
  if (!r.u8(code)) return {};  // success without properties (3.15.2.1)
  if (code != 0x00 && code != 0x18 && code != 0x19) return bad_code;
  out.code = static_cast<reason>(code);
  if (fault bad = read_properties(r, f.type, out.props)) return bad;
  if (!r.at_end()) return trailing();
  if (!out.props.authentication_method) {  // 3.15.2.2.2
    return malformed{reason::protocol_error, "AUTH without an authentication method"};
  }
  return {};
}

template <class T>
decode_result<packet> widen(decode_result<T> result) {
  if (auto* bad = std::get_if<malformed>(&result)) return *bad;
  return packet(std::move(*std::get_if<T>(&result)));
}

}  // namespace

decode_result<connack> decode_connack(const frame& f, version v) {
  assert(f.type == packet_type::connack);
  return run<connack>([&](auto& out) { return parse(f, v, out); });
}

decode_result<ack> decode_ack(const frame& f, version v) {
  return run<ack>([&](auto& out) { return parse(f, v, out); });
}

decode_result<disconnect> decode_disconnect(const frame& f, version v) {
  assert(f.type == packet_type::disconnect);
  return run<disconnect>([&](auto& out) { return parse(f, v, out); });
}

decode_result<auth> decode_auth(const frame& f, version v) {
  assert(f.type == packet_type::auth);
  return run<auth>([&](auto& out) { return parse(f, v, out); });
}

decode_result<packet> decode(const frame& f, version v) {
  switch (f.type) {
    case packet_type::connect:
      return widen(decode_connect(f));
    case packet_type::connack:
      return widen(decode_connack(f, v));
    case packet_type::publish:
      return widen(decode_publish(f, v));
    case packet_type::puback:
    case packet_type::pubrec:
    case packet_type::pubrel:
    case packet_type::pubcomp:
      return widen(decode_ack(f, v));
    case packet_type::subscribe:
      return widen(decode_subscribe(f, v));
    case packet_type::suback:
      return widen(decode_suback(f, v));
    case packet_type::unsubscribe:
      return widen(decode_unsubscribe(f, v));
    case packet_type::unsuback:
      return widen(decode_unsuback(f, v));
    case packet_type::pingreq:
      return packet(pingreq{});
    case packet_type::pingresp:
      return packet(pingresp{});
    case packet_type::disconnect:
      return widen(decode_disconnect(f, v));
    case packet_type::auth:
      return widen(decode_auth(f, v));
  }
  return malformed{reason::malformed_packet, "packet type not defined"};
}

}  // namespace dunlin::mqtt
