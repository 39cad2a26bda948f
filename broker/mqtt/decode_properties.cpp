#include "broker/mqtt/decode_properties.hpp"

#include "broker/mqtt/ascii.hpp"
#include "broker/mqtt/property_table.hpp"
#include "broker/mqtt/topic.hpp"

namespace dunlin::mqtt {

namespace {

constexpr malformed not_allowed{reason::malformed_packet, "property not defined for this packet"};
constexpr malformed twice{reason::protocol_error, "property given twice"};
constexpr malformed bad_value{reason::malformed_packet,
                              "property value cut short or not well-formed"};
constexpr malformed out_of_range{reason::protocol_error, "property value out of range"};
constexpr malformed bad_response_topic{reason::topic_name_invalid,
                                       "response topic not a topic name"};

// One property of any type: a number, a text, or a pair of texts.
struct value {
  uint32_t number = 0;
  std::string_view text, second;
};

bool read_value(reader& r, property_type type, value& out) {
  switch (type) {
    case property_type::boolean: {
      uint8_t byte;
      if (!r.u8(byte)) return false;
      out.number = byte;
      return true;
    }
    case property_type::u16: {
      uint16_t number;
      if (!r.u16(number)) return false;
      out.number = number;
      return true;
    }
    case property_type::u32:
      return r.u32(out.number);
    case property_type::varint:
      return r.varint(out.number);
    case property_type::utf8:
      return r.utf8(out.text);
    case property_type::binary:
      return r.binary(out.text);
    case property_type::pair:
      return r.utf8(out.text) && r.utf8(out.second);
    case property_type::none:
      break;
  }
  return false;
}

bool in_range(uint8_t id, const value& v) {
  if (property_rules[id].type == property_type::boolean) return v.number <= 1;
  bool zero_forbidden = id == property::receive_maximum || id == property::maximum_packet_size ||
                        id == property::subscription_identifier;
  return v.number != 0 || !zero_forbidden;
}

void assign(uint8_t id, const value& v, properties& out) {
  auto as_u16 = static_cast<uint16_t>(v.number);
  auto as_bool = v.number != 0;
  switch (id) {
    case property::subscription_identifier:
      out.subscription_identifier = v.number;
      break;
    case property::session_expiry_interval:
      out.session_expiry_interval = v.number;
      break;
    case property::assigned_client_id:
      out.assigned_client_id = v.text;
      break;
    case property::server_keep_alive:
      out.server_keep_alive = as_u16;
      break;
    case property::authentication_method:
      out.authentication_method = v.text;
      break;
    case property::authentication_data:
      out.authentication_data = v.text;
      break;
    case property::request_problem_information:
      out.request_problem_information = as_bool;
      break;
    case property::request_response_information:
      out.request_response_information = as_bool;
      break;
    case property::response_information:
      out.response_information = v.text;
      break;
    case property::server_reference:
      out.server_reference = v.text;
      break;
    case property::reason_string:
      out.reason_string = v.text;
      break;
    case property::receive_maximum:
      out.receive_maximum = as_u16;
      break;
    case property::topic_alias_maximum:
      out.topic_alias_maximum = as_u16;
      break;
    case property::maximum_qos:
      out.maximum_qos = static_cast<uint8_t>(v.number);
      break;
    case property::retain_available:
      out.retain_available = as_bool;
      break;
    case property::user_property:
      out.user_properties.push_back({v.text, v.second});
      break;
    case property::maximum_packet_size:
      out.maximum_packet_size = v.number;
      break;
    case property::wildcard_subscription_available:
      out.wildcard_subscription_available = as_bool;
      break;
    case property::subscription_identifiers_available:
      out.subscription_identifiers_available = as_bool;
      break;
    case property::shared_subscription_available:
      out.shared_subscription_available = as_bool;
      break;
    default:
      break;
  }
}

bool text(reader& r, std::string_view& out) {
  return r.binary(out) && (ascii_text(out) || valid_utf8(out));
}

fault parse_value(reader& r, uint8_t id, publish_properties& out, uint32_t* delay_interval_s) {
  switch (id) {
    case property::payload_format: {
      uint8_t format;
      if (!r.u8(format)) return bad_value;
      if (format > 1) return out_of_range;
      out.payload_is_utf8 = format == 1;
      return {};
    }
    case property::message_expiry_interval:
      if (!r.u32(out.message_expiry_interval.emplace())) return bad_value;
      return {};
    case property::content_type:
      if (!text(r, out.content_type.emplace())) return bad_value;
      return {};
    case property::response_topic: {
      auto& topic = out.response_topic.emplace();
      if (!text(r, topic)) return bad_value;
      if (!valid_topic_name(topic)) return bad_response_topic;  // [MQTT-3.3.2-14]
      return {};
    }
    case property::correlation_data:
      if (!r.binary(out.correlation_data.emplace())) return bad_value;
      return {};
    case property::subscription_identifier: {
      uint32_t number;
      if (!r.varint(number)) return bad_value;
      if (number == 0) return out_of_range;
      return {};
    }
    case property::will_delay_interval:
      if (!r.u32(*delay_interval_s)) return bad_value;
      return {};
    default:  // topic alias
      if (!r.u16(out.topic_alias.emplace())) return bad_value;
      if (*out.topic_alias == 0) return malformed{reason::topic_alias_invalid, "topic alias 0"};
      return {};
  }
}

template <uint64_t Allowed>
fault parse_block(std::string_view block, publish_properties& out, uint32_t* delay_interval_s) {
  constexpr uint64_t repeatable =
      bit(property::user_property) | bit(property::subscription_identifier);
  uint64_t seen = 0;
  reader r(block);
  while (!r.at_end()) {
    const char* begin = r.position();
    uint8_t id;
    r.u8(id);
    if (id > property::last || (Allowed & bit(id)) == 0) return not_allowed;
    if (id == property::user_property) {
      std::string_view key, value;
      if (!text(r, key) || !text(r, value)) return bad_value;
      out.has_user_properties = true;
    } else {
      if ((seen & ~repeatable & bit(id)) != 0) return twice;
      if (fault bad = parse_value(r, id, out, delay_interval_s)) return bad;
    }
    seen |= bit(id);
    if ((forwarded_set & bit(id)) != 0) {
      if (widen(out.forwarded, r.since(begin))) out.forwarded_needs_filter = true;
    } else if (id == property::subscription_identifier) {
      widen(out.subscription_identifiers, r.since(begin));
    }
  }
  return {};
}

}  // namespace

fault read_block(reader& r, std::string_view& block) {
  uint32_t length;
  if (!r.varint(length) || !r.bytes(length, block)) {
    return malformed{reason::malformed_packet, "property length not well-formed"};
  }
  return {};
}

fault read_properties(reader& r, packet_type type, properties& out) {
  std::string_view block;
  if (fault bad = read_block(r, block)) return bad;
  uint64_t seen = 0;
  reader in_block(block);
  uint8_t id;
  while (in_block.u8(id)) {
    if (id > property::last || (property_rules[id].packets & in(type)) == 0) return not_allowed;
    if ((seen & bit(id)) != 0 && id != property::user_property) return twice;
    seen |= bit(id);
    value v;
    if (!read_value(in_block, property_rules[id].type, v)) return bad_value;
    if (!in_range(id, v)) return out_of_range;
    assign(id, v, out);
  }
  if (out.authentication_data && !out.authentication_method) {  // 3.1.2.11.10
    return malformed{reason::protocol_error, "authentication data without a method"};
  }
  return {};
}

fault parse_publish_block(std::string_view block, publish_properties& out) {
  return parse_block<properties_of(in(packet_type::publish))>(block, out, nullptr);
}

fault parse_will_block(std::string_view block, publish_properties& out,
                       uint32_t& delay_interval_s) {
  return parse_block<properties_of(in_will)>(block, out, &delay_interval_s);
}

fault check_topic_name(std::string_view topic) {
  if (!valid_utf8(topic)) {
    return malformed{reason::malformed_packet, "topic is not well-formed UTF-8 [MQTT-3.3.2-1]"};
  }
  if (!valid_topic_name(topic)) {
    return malformed{reason::topic_name_invalid, "topic is empty or has a wildcard [MQTT-3.3.2-2]"};
  }
  return {};
}

fault check_header(const frame& f, version v) {
  if (overlong(f, v)) {
    return malformed{reason::malformed_packet, "remaining length not minimal [MQTT-1.5.5-1]"};
  }
  if ((f.flags & 0x08) != 0 && v != version::v31) {
    return malformed{reason::malformed_packet, "reserved flag set in the fixed header"};
  }
  return {};
}

}  // namespace dunlin::mqtt
