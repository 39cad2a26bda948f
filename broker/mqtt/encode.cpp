#include "broker/mqtt/encode.hpp"

#include <cassert>

#include "broker/mqtt/encode_properties.hpp"
#include "broker/mqtt/wire.hpp"

namespace dunlin::mqtt {

namespace {

uint8_t first_byte(packet_type type, uint8_t flags) {
  return static_cast<uint8_t>(static_cast<uint8_t>(type) << 4 | flags);
}

// A packet whose `body` writes itself to any sink: once to be measured, once into its place.
template <class Body>
void emit(packet_type type, uint8_t flags, std::string& out, Body body) {
  size_counter n;
  body(n);
  auto length = static_cast<uint32_t>(n.size);
  size_t begin = out.size();
  out.resize(begin + 1 + varint_size(length) + n.size);
  writer w(out.data() + begin);
  w.u8(first_byte(type, flags));
  w.varint(length);
  body(w);
  assert(w.position() == out.data() + out.size());
}

void emit_empty(packet_type type, std::string& out) {
  const char bytes[] = {static_cast<char>(first_byte(type, 0)), 0};
  out.append(bytes, sizeof bytes);
}

uint8_t flags_of(const connect& p) {
  uint8_t flags = p.clean_start ? 0x02 : 0;
  if (p.will) {
    flags |= static_cast<uint8_t>(0x04 | p.will->qos << 3 | (p.will->retain ? 0x20 : 0));
  }
  if (p.password) flags |= 0x40;
  if (p.user_name) flags |= 0x80;
  return flags;
}

template <class Sink>
void put_will(Sink& s, const will_message& will, version v) {
  if (v == version::v5) {
    size_t size = publish_block_size(will.props);
    if (will.delay_interval_s != 0) size += 1 + sizeof(uint32_t);
    s.varint(static_cast<uint32_t>(size));
    if (will.delay_interval_s != 0) {
      s.u8(property::will_delay_interval);
      s.u32(will.delay_interval_s);
    }
    put_publish_block(s, will.props);
  }
  s.binary(will.topic);
  s.binary(will.payload);
}

uint8_t options_byte(const subscription_options& o, version v) {
  if (v != version::v5) return o.qos;
  return static_cast<uint8_t>(o.qos | (o.no_local ? 0x04 : 0) | (o.retain_as_published ? 0x08 : 0) |
                              o.retain_handling << 4);
}

uint8_t suback_byte(reason code, version v) {
  auto byte = static_cast<uint8_t>(code);
  constexpr uint8_t v3_failure = 0x80;
  return v != version::v5 && byte > v3_failure ? v3_failure : byte;
}

// MQTT 3.1 knows the DUP flag only; from 3.1.1 on these flags are fixed.
constexpr uint8_t request_flags = 0x02;

}  // namespace

void encode(const connect& p, std::string& out) {
  constexpr uint8_t bridge_bit = 0x80;
  emit(packet_type::connect, 0, out, [&p](auto& s) {
    s.binary(p.ver == version::v31 ? "MQIsdp" : "MQTT");
    s.u8(static_cast<uint8_t>(static_cast<uint8_t>(p.ver) | (p.bridge ? bridge_bit : 0)));
    s.u8(flags_of(p));
    s.u16(p.keep_alive_s);
    if (p.ver == version::v5) put_block(s, p.props);
    s.binary(p.client_id);
    if (p.will) put_will(s, *p.will, p.ver);
    if (p.user_name) s.binary(*p.user_name);
    if (p.password) s.binary(*p.password);
  });
}

void encode(const connack& p, version v, std::string& out) {
  emit(packet_type::connack, 0, out, [&p, v](auto& s) {
    s.u8(p.session_present && v != version::v31 ? 1 : 0);
    s.u8(v == version::v5 ? static_cast<uint8_t>(p.code) : to_v3_return_code(p.code));
    if (v == version::v5) put_block(s, p.props);
  });
}

void encode(const publish& p, version v, std::string& out) {
  assert(p.qos == 0 || p.packet_id != 0);
  size_t block = v == version::v5 ? publish_block_size(p.props) : 0;
  size_t variable = 2 + p.topic.size() + (p.qos != 0 ? 2 : 0);
  if (v == version::v5) variable += varint_size(static_cast<uint32_t>(block)) + block;
  auto length = static_cast<uint32_t>(variable + p.payload.size());
  size_t header = 1 + varint_size(length) + variable;
  size_t begin = out.size();
  // Room for all at once, but only the header is touched twice (resize clears it): the payload is
  // appended.
  out.reserve(begin + header + p.payload.size());
  out.resize(begin + header);
  writer w(out.data() + begin);
  w.u8(first_byte(packet_type::publish,
                  static_cast<uint8_t>((p.dup ? 0x08 : 0) | p.qos << 1 | (p.retain ? 0x01 : 0))));
  w.varint(length);
  w.binary(p.topic);
  if (p.qos != 0) w.u16(p.packet_id);
  if (v == version::v5) {
    w.varint(static_cast<uint32_t>(block));
    put_publish_block(w, p.props);
  }
  assert(w.position() == out.data() + out.size());
  out.append(p.payload);
}

void encode(const ack& p, version v, std::string& out) {
  if (v != version::v5 || (p.reason_string.empty() && p.user_properties.empty())) {
    return encode_ack(p.type, p.packet_id, p.code, v, out);
  }
  uint8_t flags = p.type == packet_type::pubrel ? request_flags : 0;
  emit(p.type, flags, out, [&p](auto& s) {
    s.u16(p.packet_id);
    s.u8(static_cast<uint8_t>(p.code));
    auto put = [&p](auto& to) {
      if (!p.reason_string.empty()) {
        to.u8(property::reason_string);
        to.binary(p.reason_string);
      }
      put_user_properties(to, p.user_properties);
    };
    size_counter n;
    put(n);
    s.varint(static_cast<uint32_t>(n.size));
    put(s);
  });
}

void encode(const subscribe& p, version v, std::string& out) {
  emit(packet_type::subscribe, request_flags, out, [&p, v](auto& s) {
    s.u16(p.packet_id);
    if (v == version::v5) put_block(s, p.props);
    for (const subscribe_entry& entry : p.entries) {
      s.binary(entry.filter);
      s.u8(options_byte(entry.options, v));
    }
  });
}

void encode(const suback& p, version v, std::string& out) {
  emit(packet_type::suback, 0, out, [&p, v](auto& s) {
    s.u16(p.packet_id);
    if (v == version::v5) put_block(s, p.props);
    for (reason code : p.codes) s.u8(suback_byte(code, v));
  });
}

void encode(const unsubscribe& p, version v, std::string& out) {
  emit(packet_type::unsubscribe, request_flags, out, [&p, v](auto& s) {
    s.u16(p.packet_id);
    if (v == version::v5) put_block(s, p.props);
    for (std::string_view filter : p.filters) s.binary(filter);
  });
}

void encode(const unsuback& p, version v, std::string& out) {
  emit(packet_type::unsuback, 0, out, [&p, v](auto& s) {
    s.u16(p.packet_id);
    if (v != version::v5) return;
    put_block(s, p.props);
    for (reason code : p.codes) s.u8(static_cast<uint8_t>(code));
  });
}

void encode(const pingreq&, version, std::string& out) { emit_empty(packet_type::pingreq, out); }

void encode(const pingresp&, version, std::string& out) { emit_empty(packet_type::pingresp, out); }

void encode(const disconnect& p, version v, std::string& out) {
  bool bare = p.code == reason::success && p.props == properties{};
  if (v != version::v5 || bare) return emit_empty(packet_type::disconnect, out);
  emit(packet_type::disconnect, 0, out, [&p](auto& s) {
    s.u8(static_cast<uint8_t>(p.code));
    put_block(s, p.props);
  });
}

void encode(const auth& p, version v, std::string& out) {
  assert(v == version::v5);
  if (p.code == reason::success && p.props == properties{}) {
    return emit_empty(packet_type::auth, out);
  }
  emit(packet_type::auth, 0, out, [&p](auto& s) {
    s.u8(static_cast<uint8_t>(p.code));
    put_block(s, p.props);
  });
}

void encode(const packet& p, version v, std::string& out) {
  std::visit(
      [v, &out](const auto& value) {
        if constexpr (requires { encode(value, out); }) {
          encode(value, out);
        } else {
          encode(value, v, out);
        }
      },
      p);
}

void encode_ack(packet_type type, uint16_t packet_id, reason code, version v, std::string& out) {
  uint8_t flags = type == packet_type::pubrel ? request_flags : 0;
  bool with_code = v == version::v5 && code != reason::success;
  const char bytes[] = {
      static_cast<char>(first_byte(type, flags)),
      static_cast<char>(with_code ? 3 : 2),
      static_cast<char>(packet_id >> 8),
      static_cast<char>(packet_id),
      static_cast<char>(code),
  };
  out.append(bytes, with_code ? 5 : 4);
}

}  // namespace dunlin::mqtt
