#include "rules/envelope.hpp"

namespace dunlin::rules {
namespace {

// Protobuf's wire form: a tag (field number and kind), then a varint, or a length and bytes. proto3
// leaves out defaults.
enum kind : uint32_t { varint = 0, bytes = 2 };

size_t varint_size(uint64_t v) { return static_cast<size_t>(64 - __builtin_clzll(v | 1) + 6) / 7; }

void put_varint(std::string& out, uint64_t v) {
  for (; v >= 0x80; v >>= 7) out += static_cast<char>(v | 0x80);
  out += static_cast<char>(v);
}

// All field numbers here are below 16: a tag is one byte.
size_t bytes_size(std::string_view v) {
  return v.empty() ? 0 : 1 + varint_size(v.size()) + v.size();
}
size_t number_size(uint64_t v) { return v == 0 ? 0 : 1 + varint_size(v); }

void put_tag(std::string& out, uint32_t field, kind k) { out += static_cast<char>(field << 3 | k); }

void put_number(std::string& out, uint32_t field, uint64_t v) {
  if (v == 0) return;
  put_tag(out, field, varint);
  put_varint(out, v);
}

void put_bytes(std::string& out, uint32_t field, std::string_view v) {
  if (v.empty()) return;
  put_tag(out, field, bytes);
  put_varint(out, v.size());
  out.append(v);
}

}  // namespace

std::string envelope_head(std::string_view source) {
  std::string body;
  put_bytes(body, 1, source);
  return body;
}

void append_to_envelope(const device_message& m, uint64_t sequence,
                        std::optional<uint32_t> expiry_s, std::string& body) {
  auto born = static_cast<uint64_t>(m.born_ms);
  size_t size = number_size(sequence) + bytes_size(m.topic) + bytes_size(m.client_id) +
                bytes_size(m.payload) + number_size(m.qos) + number_size(born) +
                bytes_size(m.content_type);
  if (expiry_s) size += 1 + varint_size(*expiry_s);  // optional: told even when 0
  for (const auto& [key, value] : m.user_properties) {
    auto inner = bytes_size(key) + bytes_size(value);
    size += 1 + varint_size(inner) + inner;
  }
  put_tag(body, 2, bytes);
  put_varint(body, size);
  put_number(body, 1, sequence);
  put_bytes(body, 2, m.topic);
  put_bytes(body, 3, m.client_id);
  put_bytes(body, 4, m.payload);
  put_number(body, 5, m.qos);
  put_number(body, 6, born);
  if (expiry_s) {
    put_tag(body, 7, varint);
    put_varint(body, *expiry_s);
  }
  put_bytes(body, 8, m.content_type);
  for (const auto& [key, value] : m.user_properties) {
    put_tag(body, 9, bytes);
    put_varint(body, bytes_size(key) + bytes_size(value));
    put_bytes(body, 1, key);
    put_bytes(body, 2, value);
  }
}

}  // namespace dunlin::rules
