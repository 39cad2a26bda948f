#include <cassert>

#include "broker/mqtt/decode.hpp"
#include "broker/mqtt/decode_properties.hpp"

namespace dunlin::mqtt {

namespace {

struct connect_flags {
  explicit connect_flags(uint8_t byte) : byte(byte) {}
  bool reserved() const { return (byte & 0x01) != 0; }
  bool clean_start() const { return (byte & 0x02) != 0; }
  bool will() const { return (byte & 0x04) != 0; }
  uint8_t will_qos() const { return byte >> 3 & 3; }
  bool will_retain() const { return (byte & 0x20) != 0; }
  bool password() const { return (byte & 0x40) != 0; }
  bool user_name() const { return (byte & 0x80) != 0; }
  uint8_t byte;
};

constexpr malformed unsupported{reason::unsupported_protocol_version,
                                "protocol name or level not supported"};

fault read_protocol(reader& r, connect& out) {
  constexpr uint8_t bridge_bit = 0x80;
  std::string_view name;
  uint8_t level;
  if (!r.utf8(name)) return cut_short();
  if (name != "MQTT" && name != "MQIsdp") return unsupported;
  if (!r.u8(level)) return cut_short();
  out.bridge = (level & bridge_bit) != 0;
  level &= static_cast<uint8_t>(~bridge_bit);
  bool known = name == "MQIsdp" ? level == 3 : level == 4 || level == 5;
  if (!known) return unsupported;
  out.ver = static_cast<version>(level);
  return {};
}

fault check_flags(connect_flags flags, version v) {
  if (flags.will_qos() == 3) {  // [MQTT-3.1.2-12]
    return malformed{reason::malformed_packet, "will QoS 3"};
  }
  if (v == version::v31) {  // the rest it leaves unused
    if (flags.password() && !flags.user_name()) {
      return malformed{reason::protocol_error, "password without user name"};
    }
    return {};
  }
  if (flags.reserved()) return malformed{reason::malformed_packet, "reserved flag [MQTT-3.1.2-3]"};
  if (!flags.will() && (flags.will_qos() != 0 || flags.will_retain())) {
    return malformed{reason::protocol_error, "will QoS or retain without a will [MQTT-3.1.2-11]"};
  }
  if (v == version::v311 && flags.password() && !flags.user_name()) {
    return malformed{reason::protocol_error, "password without user name [MQTT-3.1.2-22]"};
  }
  return {};
}

fault check_client_id(const connect& p) {
  if (!p.client_id.empty() || p.ver == version::v5) return {};
  if (p.ver == version::v311 && p.clean_start) return {};
  return malformed{reason::client_identifier_not_valid,
                   "empty client identifier with a session to keep [MQTT-3.1.3-8]"};
}

fault read_will(reader& r, connect_flags flags, connect& out) {
  if (!flags.will()) return {};
  will_message& will = out.will.emplace();
  will.qos = flags.will_qos();
  will.retain = flags.will_retain();
  if (out.ver == version::v5) {
    std::string_view block;
    if (fault bad = read_block(r, block)) return bad;
    if (fault bad = parse_will_block(block, will.props, will.delay_interval_s)) return bad;
  }
  if (!r.binary(will.topic)) return cut_short();
  if (fault bad = check_topic_name(will.topic)) return bad;
  if (!r.binary(will.payload)) return cut_short();
  return {};
}

fault read_credentials(reader& r, connect_flags flags, connect& out) {
  // In MQTT 3.1 the remaining length takes precedence over the flags: an announced field may be
  // missing (3.1).
  auto present = [&](bool flag) { return flag && !(out.ver == version::v31 && r.at_end()); };
  if (present(flags.user_name()) && !r.utf8(out.user_name.emplace())) return cut_short();
  if (present(flags.password()) && !r.binary(out.password.emplace())) return cut_short();
  return {};
}

fault parse(const frame& f, connect& out) {
  reader r(f.body);
  uint8_t byte;
  if (fault bad = read_protocol(r, out)) return bad;
  if (fault bad = check_header(f, out.ver)) return bad;
  if (!r.u8(byte) || !r.u16(out.keep_alive_s)) return cut_short();
  connect_flags flags(byte);
  if (fault bad = check_flags(flags, out.ver)) return bad;
  out.clean_start = flags.clean_start();
  if (out.ver == version::v5) {
    if (fault bad = read_properties(r, packet_type::connect, out.props)) return bad;
  }
  if (!r.utf8(out.client_id)) return cut_short();
  if (fault bad = read_will(r, flags, out)) return bad;
  if (fault bad = read_credentials(r, flags, out)) return bad;
  if (!r.at_end()) return trailing();
  return check_client_id(out);
}

}  // namespace

decode_result<connect> decode_connect(const frame& f) {
  assert(f.type == packet_type::connect);
  return run<connect>([&](connect& out) { return parse(f, out); });
}

version connect_version(const frame& f) {
  reader r(f.body);
  std::string_view name;
  uint8_t level;
  if (!r.binary(name) || !r.u8(level)) return version::v311;
  if (name == "MQIsdp") return version::v31;
  return name == "MQTT" && (level & 0x7F) >= 5 ? version::v5 : version::v311;
}

}  // namespace dunlin::mqtt
