#include "rules/mapping.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "rules/json.hpp"

namespace dunlin::rules {
namespace {

// What Java's isISOControl says of the UTF-8 text: U+0000 to U+001F and U+007F to U+009F.
bool has_control(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || c == 0x7F) return true;
    if (c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0) {
      return true;
    }
  }
  return false;
}

std::string_view second_topic(std::string_view topic) {
  auto slash = topic.find('/');
  return slash == std::string_view::npos ? std::string_view{} : topic.substr(slash);
}

std::optional<unmappable> control_in(std::string_view property) {
  return unmappable{"control character in " + std::string(property) +
                    ": the message queue refuses it (format: envelope carries it)"};
}

template <class T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

const std::string* find(const queue_message& m, std::string_view name) {
  auto at = std::ranges::find(m.properties, name, &property::first);
  return at == m.properties.end() ? nullptr : &at->second;
}

// A topic name: not empty, no wildcard, no NUL.
bool is_topic_name(std::string_view topic) {
  return !topic.empty() && topic.size() <= 65535 &&
         topic.find_first_of(std::string_view("+#\0", 3)) == std::string_view::npos;
}

}  // namespace

std::optional<uint32_t> expiry_left(std::optional<uint32_t> expiry_s, int64_t born_ms,
                                    int64_t now_ms) {
  if (!expiry_s || born_ms <= 0) return expiry_s;
  auto gone = std::max<int64_t>(0, now_ms - born_ms) / 1000;
  return gone >= *expiry_s ? 0 : *expiry_s - static_cast<uint32_t>(gone);
}

bool expired(std::optional<uint32_t> expiry_s, int64_t born_ms, int64_t now_ms) {
  // 0 is a message that may be delivered at once only; whoever sent it is not told how long "once"
  // is, so it passes.
  return expiry_s && *expiry_s > 0 && expiry_left(expiry_s, born_ms, now_ms) == 0u;
}

std::optional<unmappable> to_queue(const device_message& m, int64_t now_ms, queue_message& out) {
  if (m.payload.empty()) {
    return unmappable{
        "empty payload: the message queue takes no empty body (format: envelope does)"};
  }
  if (has_control(m.topic)) return control_in("topic");
  if (has_control(m.client_id)) return control_in("clientId");
  if (has_control(m.content_type)) return control_in("mqtt5ContentType");

  out.body.assign(m.payload);
  out.tag.assign(outbound_tag);
  out.born_ms = m.born_ms;
  if (!m.client_id.empty() && m.client_id.find(' ') == std::string_view::npos) {
    out.keys.emplace_back(m.client_id);
  }
  auto& to = out.properties;
  to.reserve(7);
  to.emplace_back("topic", m.topic);
  if (auto second = second_topic(m.topic); !second.empty())
    to.emplace_back("mqttSecondTopic", second);
  if (!m.client_id.empty()) to.emplace_back("clientId", m.client_id);
  to.emplace_back("qoslevel", std::string(1, static_cast<char>('0' + m.qos)));
  if (auto left = expiry_left(m.expiry_s, m.born_ms, now_ms)) {
    to.emplace_back("mqtt5MsgExpireInterval", std::to_string(std::min(*left, queue_expiry_max_s)));
  }
  if (!m.content_type.empty()) to.emplace_back("mqtt5ContentType", m.content_type);
  if (!m.user_properties.empty()) {
    auto& json = to.emplace_back("mqtt5UserProperty", std::string{}).second;
    append_user_properties(json, m.user_properties);
    if (json.size() > user_property_json_max) {
      return unmappable{"user properties of " + std::to_string(json.size()) +
                        " bytes as JSON, over 8192 (format: envelope carries them)"};
    }
  }
  size_t bytes = out.tag.size();
  for (const auto& key : out.keys) bytes += key.size();
  for (const auto& [name, value] : to) bytes += name.size() + value.size();
  if (bytes > properties_bytes_max) {
    return unmappable{"properties of " + std::to_string(bytes) +
                      " bytes, over 16384 (format: envelope carries them)"};
  }
  return std::nullopt;
}

std::string message_group_of(std::string_view client_id) {
  if (client_id.empty()) return "anonymous";
  if (client_id.size() < 64 && !has_control(client_id)) return std::string(client_id);
  uint64_t hash = 14695981039346656037ull;  // FNV-1a
  for (unsigned char c : client_id) hash = (hash ^ c) * 1099511628211ull;
  std::string group = "id~";
  for (int shift = 60; shift >= 0; shift -= 4) group += "0123456789abcdef"[hash >> shift & 15];
  return group;
}

bool expired(const queue_message& m, int64_t now_ms) {
  const auto* text = find(m, "mqtt5MsgExpireInterval");
  return text && expired(parse_number<uint32_t>(*text), m.born_ms, now_ms);
}

std::variant<inbound_message, unmappable> from_queue(queue_message m, std::string_view parent,
                                                     int64_t now_ms) {
  inbound_message out;
  out.topic = parent;
  if (const auto* second = find(m, "mqttSecondTopic"); second && !second->empty()) {
    if (second->front() != '/') out.topic += '/';
    out.topic += *second;
  }
  if (!is_topic_name(out.topic)) {
    return unmappable{"mqttSecondTopic makes no topic name: \"" + out.topic + "\""};
  }
  if (const auto* shown = find(m, "mqttRealTopic"); shown && !shown->empty()) {
    if (!is_topic_name(*shown)) {
      return unmappable{"mqttRealTopic is no topic name: \"" + *shown + "\""};
    }
    out.shown_topic = *shown;
  }
  if (const auto* qos = find(m, "qoslevel"); qos && !qos->empty()) {
    auto level = parse_number<uint8_t>(*qos);
    if (!level || *level > 2) return unmappable{"qoslevel is not 0, 1 or 2: \"" + *qos + "\""};
    out.qos = *level;
  }
  if (const auto* expiry = find(m, "mqtt5MsgExpireInterval"); expiry && !expiry->empty()) {
    auto seconds = parse_number<uint32_t>(*expiry);
    if (!seconds) return unmappable{"mqtt5MsgExpireInterval is not a number: \"" + *expiry + "\""};
    out.expiry_s = expiry_left(seconds, m.born_ms, now_ms);
  }
  if (const auto* type = find(m, "mqtt5ContentType")) out.content_type = *type;
  if (const auto* json = find(m, "mqtt5UserProperty"); json && !json->empty()) {
    auto properties = parse_user_properties(*json);
    if (!properties) {
      return unmappable{"mqtt5UserProperty is not a list of {\"key\":...,\"value\":...}"};
    }
    out.user_properties = std::move(*properties);
  }
  out.payload = std::move(m.body);
  return out;
}

}  // namespace dunlin::rules
