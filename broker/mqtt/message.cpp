#include "broker/mqtt/message.hpp"

#include <cstddef>
#include <cstring>
#include <new>

#include "broker/mqtt/properties.hpp"

namespace dunlin::mqtt {
namespace {

constexpr size_t varint_size(size_t n) {
  return n < 128 ? 1 : n < 16'384 ? 2 : n < 2'097'152 ? 3 : 4;
}

char* put_varint(size_t n, char* out) {
  do {
    char b = static_cast<char>(n & 127);
    n >>= 7;
    *out++ = n ? static_cast<char>(b | 0x80) : b;
  } while (n);
  return out;
}

char* put_16(uint16_t v, char* out) {
  *out++ = static_cast<char>(v >> 8);
  *out++ = static_cast<char>(v);
  return out;
}

char* put(std::string_view s, char* out) {
  if (s.empty()) return out;  // it may point nowhere, which memcpy does not take
  std::memcpy(out, s.data(), s.size());
  return out + s.size();
}

// Everything that goes into a 5.0 packet's property block.
size_t property_bytes(const message& m, const send_form& f) {
  size_t n = m.properties().size() + f.subscription_ids.size();
  if (m.expires_ms() != message::never) n += 5;
  if (f.topic_alias) n += 3;
  return n;
}

uint32_t remaining_expiry_s(const message& m, uint64_t now_ms) {
  if (now_ms >= m.expires_ms()) return 0;
  return static_cast<uint32_t>((m.expires_ms() - now_ms + 999) / 1000);
}

size_t remaining_length(const message& m, version v, const send_form& f) {
  size_t topic = f.omit_topic ? 0 : m.topic().size();
  size_t n = 2 + topic + (f.qos ? 2 : 0) + m.payload().size();
  if (v == version::v5) {
    size_t props = property_bytes(m, f);
    n += varint_size(props) + props;
  }
  return n;
}

char* put_properties(const message& m, const send_form& f, char* p) {
  p = put_varint(property_bytes(m, f), p);
  if (m.expires_ms() != message::never) {
    uint32_t left = remaining_expiry_s(m, f.now_ms);
    *p++ = 0x02;
    p = put_16(static_cast<uint16_t>(left >> 16), p);
    p = put_16(static_cast<uint16_t>(left), p);
  }
  if (f.topic_alias) {
    *p++ = 0x23;
    p = put_16(f.topic_alias, p);
  }
  p = put(m.properties(), p);
  return put(f.subscription_ids, p);
}

}  // namespace

template <class Content>
inline message_ptr message::made_of(const Content& c, uint64_t now_ms) {
  const size_t props = c.props.forwarded.empty() ? 0 : forwarded_size(c.props);
  const size_t bytes = 2 + c.topic.size() + c.payload.size() + props;
  auto* m = new (::operator new(sizeof(message) + bytes)) message;
  m->payload_size_ = static_cast<uint32_t>(c.payload.size());
  m->properties_size_ = static_cast<uint32_t>(props);
  m->topic_size_ = static_cast<uint16_t>(c.topic.size());
  m->qos_ = c.qos;
  m->retain_ = c.retain;
  if (c.props.message_expiry_interval)
    m->expires_ms_ = now_ms + uint64_t{*c.props.message_expiry_interval} * 1000;
  char* p = put_16(m->topic_size_, m->body());
  p = put(c.topic, p);
  p = put(c.payload, p);
  if (props) copy_forwarded(c.props, p);
  return message_ptr(m);
}

message_ptr message::make(const message_content& c) { return made_of(c, c.now_ms); }
message_ptr message::make(const publish& p, uint64_t now_ms) { return made_of(p, now_ms); }

message_ptr message::under(std::string_view topic) const {
  publish_properties props;
  props.forwarded = properties();
  message_ptr made = make({topic, payload(), qos_, retain_, props, 0});
  made.m_->expires_ms_ = expires_ms_;
  return made;
}

size_t encoded_size(const message& m, version v, const send_form& f) {
  size_t n = remaining_length(m, v, f);
  return 1 + varint_size(n) + n;
}

void encode(const message& m, version v, const send_form& f, std::string& out) {
  const uint8_t first_byte = publish_first_byte(f.qos, f.dup, f.retain);
  if (v != version::v5) return encode_v3(m, first_byte, f.packet_id, out);
  const size_t length = remaining_length(m, v, f);
  const size_t at = out.size();
  out.resize(at + 1 + varint_size(length) + length);
  char* p = out.data() + at;
  *p++ = static_cast<char>(first_byte);
  p = put_varint(length, p);
  if (f.omit_topic) {
    p = put_16(0, p);
  } else {
    p = put_16(static_cast<uint16_t>(m.topic().size()), p);
    p = put(m.topic(), p);
  }
  if (f.qos) p = put_16(f.packet_id, p);
  p = put_properties(m, f, p);
  put(m.payload(), p);
}

// The room for the header is made by copying as many bytes from in front of the body: so nothing is
// cleared first, and the payload is copied once, to where it belongs.
void encode_v3(const message& m, uint8_t first_byte, uint16_t packet_id, std::string& out) {
  const std::string_view body = m.v3_body();
  const size_t id = (first_byte & 0x06) ? 2 : 0;
  const size_t length = body.size() + id;
  const size_t header = 1 + varint_size(length);
  static_assert(offsetof(message, expires_ms_) == sizeof(message) - sizeof m.expires_ms_ &&
                sizeof m.expires_ms_ >= 1 + 4 + 2);
  const size_t at = out.size();
  out.append(body.data() - header - id, header + id + body.size());
  char* p = out.data() + at;
  *p++ = static_cast<char>(first_byte);
  p = put_varint(length, p);
  if (id) put_16(packet_id, put(body.substr(0, 2 + m.topic().size()), p));
}

}  // namespace dunlin::mqtt
