// SUBSCRIBE, UNSUBSCRIBE and their answers.
#include <cassert>

#include "broker/mqtt/decode.hpp"
#include "broker/mqtt/decode_properties.hpp"
#include "broker/mqtt/topic.hpp"

namespace dunlin::mqtt {

namespace {

// Header, packet identifier and properties, which the four packets have in common.
fault read_head(const frame& f, version v, reader& r, uint16_t& packet_id, properties& props) {
  if (fault bad = check_header(f, v)) return bad;
  if (!r.u16(packet_id)) return cut_short();
  if (packet_id == 0) return no_packet_id();  // [MQTT-2.2.1-3]
  if (v != version::v5) return {};
  return read_properties(r, f.type, props);
}

fault read_filter(reader& r, std::string_view& filter) {
  if (!r.utf8(filter)) return cut_short();
  if (!valid_topic_filter(filter)) {
    return malformed{reason::topic_filter_invalid, "not a topic filter"};
  }
  return {};
}

fault read_options(uint8_t byte, version v, subscription_options& out) {
  out.qos = byte & 3;
  if (v != version::v5) {
    bool reserved = (byte & 0xFC) != 0 && v == version::v311;  // MQTT 3.1 leaves them unused
    if (reserved || out.qos == 3) {
      return malformed{reason::malformed_packet, "subscription options [MQTT-3.8.3-4]"};
    }
    return {};
  }
  out.no_local = (byte & 0x04) != 0;
  out.retain_as_published = (byte & 0x08) != 0;
  out.retain_handling = byte >> 4 & 3;
  if ((byte & 0xC0) != 0) {
    return malformed{reason::malformed_packet, "reserved subscription options [MQTT-3.8.3-5]"};
  }
  if (out.qos == 3 || out.retain_handling == 3) {  // 3.8.3.1
    return malformed{reason::protocol_error, "maximum QoS or retain handling 3"};
  }
  return {};
}

fault parse(const frame& f, version v, subscribe& out) {
  reader r(f.body);
  if (fault bad = read_head(f, v, r, out.packet_id, out.props)) return bad;
  while (!r.at_end()) {
    subscribe_entry entry;
    uint8_t options;
    if (fault bad = read_filter(r, entry.filter)) return bad;
    if (!r.u8(options)) return cut_short();
    if (fault bad = read_options(options, v, entry.options)) return bad;
    if (entry.options.no_local && parse_shared(entry.filter)) {
      return malformed{reason::protocol_error, "no local on a shared subscription [MQTT-3.8.3-4]"};
    }
    out.entries.push_back(entry);
  }
  if (out.entries.empty()) return malformed{reason::protocol_error, "no filter [MQTT-3.8.3-2]"};
  return {};
}

fault parse(const frame& f, version v, unsubscribe& out) {
  reader r(f.body);
  if (fault bad = read_head(f, v, r, out.packet_id, out.props)) return bad;
  while (!r.at_end()) {
    std::string_view filter;
    if (fault bad = read_filter(r, filter)) return bad;
    out.filters.push_back(filter);
  }
  if (out.filters.empty()) return malformed{reason::protocol_error, "no filter [MQTT-3.10.3-2]"};
  return {};
}

bool suback_code(uint8_t code, version v) {
  if (code <= 2 || code == 0x80) return true;
  if (v != version::v5) return false;
  switch (static_cast<reason>(code)) {
    case reason::implementation_specific_error:
    case reason::not_authorized:
    case reason::topic_filter_invalid:
    case reason::packet_identifier_in_use:
    case reason::quota_exceeded:
    case reason::shared_subscriptions_not_supported:
    case reason::subscription_identifiers_not_supported:
    case reason::wildcard_subscriptions_not_supported:
      return true;
    default:
      return false;
  }
}

bool unsuback_code(uint8_t code, version) {
  switch (static_cast<reason>(code)) {
    case reason::success:
    case reason::no_subscription_existed:
    case reason::unspecified_error:
    case reason::implementation_specific_error:
    case reason::not_authorized:
    case reason::topic_filter_invalid:
    case reason::packet_identifier_in_use:
      return true;
    default:
      return false;
  }
}

fault read_codes(reader& r, version v, bool (*allowed)(uint8_t, version),
                 std::vector<reason>& out) {
  if (r.at_end()) return malformed{reason::protocol_error, "no reason code"};
  out.reserve(r.left());
  uint8_t code;
  while (r.u8(code)) {
    if (!allowed(code, v)) {
      return bad_code;
    }
    out.push_back(static_cast<reason>(code));
  }
  return {};
}

fault parse(const frame& f, version v, suback& out) {
  reader r(f.body);
  if (fault bad = read_head(f, v, r, out.packet_id, out.props)) return bad;
  return read_codes(r, v, suback_code, out.codes);
}

fault parse(const frame& f, version v, unsuback& out) {
  reader r(f.body);
  if (fault bad = read_head(f, v, r, out.packet_id, out.props)) return bad;
  if (v == version::v5) return read_codes(r, v, unsuback_code, out.codes);
  if (!r.at_end()) return trailing();
  return {};
}

}  // namespace

decode_result<subscribe> decode_subscribe(const frame& f, version v) {
  assert(f.type == packet_type::subscribe);
  return run<subscribe>([&](auto& out) { return parse(f, v, out); });
}

decode_result<unsubscribe> decode_unsubscribe(const frame& f, version v) {
  assert(f.type == packet_type::unsubscribe);
  return run<unsubscribe>([&](auto& out) { return parse(f, v, out); });
}

decode_result<suback> decode_suback(const frame& f, version v) {
  assert(f.type == packet_type::suback);
  return run<suback>([&](auto& out) { return parse(f, v, out); });
}

decode_result<unsuback> decode_unsuback(const frame& f, version v) {
  assert(f.type == packet_type::unsuback);
  return run<unsuback>([&](auto& out) { return parse(f, v, out); });
}

}  // namespace dunlin::mqtt
