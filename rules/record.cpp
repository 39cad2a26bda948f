#include "rules/record.hpp"

#include <bit>
#include <cstring>

namespace dunlin::rules {
namespace {

// The fixed part of a record. `check` covers it, so that a walk that lands between records, or on
// altered lengths, ends there; the bytes behind it have the disk's own checksums.
struct header {
  uint8_t version;
  uint8_t flags;
  uint16_t check;
  uint32_t size;  // of the whole record
  int64_t born_ms;
  uint16_t topic_size;
  uint16_t client_id_size;
  uint32_t payload_size;
};
static_assert(sizeof(header) == 24 && std::endian::native == std::endian::little);

constexpr uint8_t version_1 = 1;
constexpr uint8_t qos_mask = 3, has_expiry = 4, has_content_type = 8, has_properties = 16;

uint16_t check_of(header h) {
  h.check = 0;
  uint64_t words[3];
  std::memcpy(words, &h, sizeof words);
  uint64_t x = words[0] * 0x9E3779B97F4A7C15ull;
  x = (x ^ (x >> 29) ^ words[1]) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 32) ^ words[2]) * 0x94D049BB133111EBull;
  return static_cast<uint16_t>((x ^ (x >> 31)) >> 16);
}

size_t variable_size(const device_message& m) {
  size_t n = m.topic.size() + m.client_id.size() + m.payload.size();
  if (m.expiry_s) n += 4;
  if (!m.content_type.empty()) n += 2 + m.content_type.size();
  if (!m.user_properties.empty()) {
    n += 4;
    for (const auto& [key, value] : m.user_properties) n += 4 + key.size() + value.size();
  }
  return n;
}

template <class T>
char* put(char* at, T value) {
  std::memcpy(at, &value, sizeof value);
  return at + sizeof value;
}
char* put_bytes(char* at, std::string_view bytes) {
  if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
  return at + bytes.size();
}

// Takes from the front; once short, stays short.
struct taker {
  std::string_view left;
  bool whole = true;

  template <class T>
  T number() {
    T value{};
    auto bytes = take(sizeof value);
    if (whole) std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }
  std::string_view take(size_t n) {
    if (n > left.size()) {
      whole = false;
      return {};
    }
    auto bytes = left.substr(0, n);
    left.remove_prefix(n);
    return bytes;
  }
};

bool read_header(std::string_view records, header& h) {
  if (records.size() < sizeof h) return false;
  std::memcpy(&h, records.data(), sizeof h);
  return h.version == version_1 && h.check == check_of(h) && h.size >= sizeof h &&
         h.size <= records.size();
}

bool read_properties(taker& from, device_message& m) {
  auto count = from.number<uint32_t>();
  for (uint32_t i = 0; i < count && from.whole; ++i) {
    auto key_size = from.number<uint16_t>();
    auto value_size = from.number<uint16_t>();
    auto key = from.take(key_size);
    m.user_properties.emplace_back(key, from.take(value_size));
  }
  return from.whole;
}

}  // namespace

void append_record(const device_message& m, std::string& out) {
  header h{version_1,
           static_cast<uint8_t>(m.qos & qos_mask),
           0,
           static_cast<uint32_t>(sizeof(header) + variable_size(m)),
           m.born_ms,
           static_cast<uint16_t>(m.topic.size()),
           static_cast<uint16_t>(m.client_id.size()),
           static_cast<uint32_t>(m.payload.size())};
  if (m.expiry_s) h.flags |= has_expiry;
  if (!m.content_type.empty()) h.flags |= has_content_type;
  if (!m.user_properties.empty()) h.flags |= has_properties;
  h.check = check_of(h);

  auto start = out.size();
  out.resize(start + h.size);
  char* at = put(out.data() + start, h);
  at = put_bytes(at, m.topic);
  at = put_bytes(at, m.client_id);
  at = put_bytes(at, m.payload);
  if (m.expiry_s) at = put(at, *m.expiry_s);
  if (!m.content_type.empty()) {
    at = put(at, static_cast<uint16_t>(m.content_type.size()));
    at = put_bytes(at, m.content_type);
  }
  if (m.user_properties.empty()) return;
  at = put(at, static_cast<uint32_t>(m.user_properties.size()));
  for (const auto& [key, value] : m.user_properties) {
    at = put(at, static_cast<uint16_t>(key.size()));
    at = put(at, static_cast<uint16_t>(value.size()));
    at = put_bytes(at, key);
    at = put_bytes(at, value);
  }
}

record_walk next_record(std::string_view& records, device_message& m) {
  if (records.empty()) return record_walk::end;
  header h;
  if (!read_header(records, h)) return record_walk::damaged;
  taker from{records.substr(sizeof h, h.size - sizeof h)};
  m.qos = h.flags & qos_mask;
  m.born_ms = h.born_ms;
  m.topic = from.take(h.topic_size);
  m.client_id = from.take(h.client_id_size);
  m.payload = from.take(h.payload_size);
  m.expiry_s.reset();
  if (h.flags & has_expiry) m.expiry_s = from.number<uint32_t>();
  m.content_type = h.flags & has_content_type ? from.take(from.number<uint16_t>()) : "";
  m.user_properties.clear();
  if ((h.flags & has_properties) && !read_properties(from, m)) return record_walk::damaged;
  if (!from.whole || !from.left.empty()) return record_walk::damaged;
  records.remove_prefix(h.size);
  return record_walk::record;
}

std::optional<uint32_t> count_records(std::string_view records) {
  uint32_t count = 0;
  header h;
  for (; !records.empty(); records.remove_prefix(h.size), ++count) {
    if (!read_header(records, h)) return std::nullopt;
  }
  return count;
}

bool for_each_record(std::string_view records,
                     const std::function<void(const device_message&)>& f) {
  device_message m;
  while (true) {
    switch (next_record(records, m)) {
      case record_walk::record:
        f(m);
        break;
      case record_walk::end:
        return true;
      case record_walk::damaged:
        return false;
    }
  }
}

}  // namespace dunlin::rules
