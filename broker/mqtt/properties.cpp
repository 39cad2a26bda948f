#include "broker/mqtt/properties.hpp"

#include <cstring>

#include "broker/mqtt/property_table.hpp"
#include "broker/mqtt/wire.hpp"

namespace dunlin::mqtt {

namespace {

// Takes one property of a PUBLISH or a will off `r` as far as its end; false at the end and at an
// undefined one.
bool skip(reader& r, uint8_t& id) {
  if (!r.u8(id) || id > property::last) return false;
  std::string_view text;
  switch (property_rules[id].type) {
    case property_type::boolean:
      return r.bytes(1, text);
    case property_type::u16:
      return r.bytes(2, text);
    case property_type::u32:
      return r.bytes(4, text);
    case property_type::varint: {
      uint32_t number;
      return r.varint(number);
    }
    case property_type::utf8:
    case property_type::binary:
      return r.binary(text);
    case property_type::pair:
      return r.binary(text) && r.binary(text);
    case property_type::none:
      break;
  }
  return false;
}

// Calls f(id, encoded property) for each.
template <class F>
void walk(std::string_view block, F f) {
  reader r(block);
  uint8_t id;
  for (const char* begin = r.position(); skip(r, id); begin = r.position()) {
    f(id, r.since(begin));
  }
}

bool forwardable(uint8_t id) { return (forwarded_set & bit(id)) != 0; }

std::string_view value_of(std::string_view encoded) {
  constexpr size_t id_and_length = 3;
  return encoded.substr(id_and_length);
}

void append_text(uint8_t id, std::string_view value, std::string& out) {
  assert(value.size() <= UINT16_MAX);
  out += static_cast<char>(id);
  out += static_cast<char>(value.size() >> 8);
  out += static_cast<char>(value.size());
  out += value;
}

}  // namespace

publish_properties parse_forwarded(std::string_view forwarded) {
  publish_properties out;
  walk(forwarded, [&out](uint8_t id, std::string_view encoded) {
    if (!forwardable(id)) return;
    if (widen(out.forwarded, encoded)) out.forwarded_needs_filter = true;
    if (id == property::payload_format) out.payload_is_utf8 = encoded[1] == 1;
    if (id == property::content_type) out.content_type = value_of(encoded);
    if (id == property::response_topic) out.response_topic = value_of(encoded);
    if (id == property::correlation_data) out.correlation_data = value_of(encoded);
    if (id == property::user_property) out.has_user_properties = true;
  });
  return out;
}

void for_each_user_property(std::string_view forwarded,
                            const std::function<void(const user_property&)>& f) {
  walk(forwarded, [&f](uint8_t id, std::string_view encoded) {
    if (id != property::user_property) return;
    reader r(encoded.substr(1));
    user_property p;
    if (r.binary(p.key) && r.binary(p.value)) f(p);
  });
}

size_t forwarded_size(const publish_properties& p) {
  if (!p.forwarded_needs_filter) return p.forwarded.size();
  size_t size = 0;
  walk(p.forwarded, [&size](uint8_t id, std::string_view encoded) {
    if (forwardable(id)) size += encoded.size();
  });
  return size;
}

char* copy_forwarded(const publish_properties& p, char* out) {
  writer w(out);
  if (!p.forwarded_needs_filter) {
    w.bytes(p.forwarded);
    return w.position();
  }
  walk(p.forwarded, [&w](uint8_t id, std::string_view encoded) {
    if (forwardable(id)) w.bytes(encoded);
  });
  return w.position();
}

void append_forwarded(const publish_properties& p, std::string& out) {
  size_t before = out.size();
  out.resize(before + forwarded_size(p));
  copy_forwarded(p, out.data() + before);
}

size_t subscription_identifiers_size(const publish_properties& p) {
  size_t size = 0;
  walk(p.subscription_identifiers, [&size](uint8_t id, std::string_view encoded) {
    if (id == property::subscription_identifier) size += encoded.size();
  });
  return size;
}

char* copy_subscription_identifiers(const publish_properties& p, char* out) {
  writer w(out);
  walk(p.subscription_identifiers, [&w](uint8_t id, std::string_view encoded) {
    if (id == property::subscription_identifier) w.bytes(encoded);
  });
  return w.position();
}

void for_each_subscription_identifier(std::string_view subscription_identifiers,
                                      const std::function<void(uint32_t)>& f) {
  walk(subscription_identifiers, [&f](uint8_t id, std::string_view encoded) {
    if (id != property::subscription_identifier) return;
    reader r(encoded.substr(1));
    uint32_t number;
    if (r.varint(number)) f(number);
  });
}

void append_subscription_identifier(uint32_t id, std::string& out) {
  char bytes[6];
  writer w(bytes);
  w.u8(property::subscription_identifier);
  w.varint(id);
  out.append(bytes, w.position());
}

void append_payload_is_utf8(std::string& out) {
  out += static_cast<char>(property::payload_format);
  out += '\1';
}

void append_content_type(std::string_view value, std::string& out) {
  append_text(property::content_type, value, out);
}

void append_response_topic(std::string_view value, std::string& out) {
  append_text(property::response_topic, value, out);
}

void append_correlation_data(std::string_view value, std::string& out) {
  append_text(property::correlation_data, value, out);
}

void append_user_property(const user_property& p, std::string& out) {
  append_text(property::user_property, p.key, out);
  out += static_cast<char>(p.value.size() >> 8);
  out += static_cast<char>(p.value.size());
  out += p.value;
}

}  // namespace dunlin::mqtt
