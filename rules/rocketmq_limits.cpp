#include "rules/rocketmq_limits.hpp"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "base/utf8.hpp"

namespace dunlin::rules {
namespace {

constexpr std::string_view timer_prefix = "TIMER_";

// Sorted.
constexpr std::array reserved = std::to_array<std::string_view>({
    "1ST_POP_TIME",
    "ARRIVE_TIME",
    "BORN_TIMESTAMP",
    "BUYER_ID",
    "CHECK_IMMUNITY_TIME_IN_SECONDS",
    "CLUSTER",
    "CONSUME_START_TIME",
    "CORRECTION_FLAG",
    "CORRELATION_ID",
    "DELAY",
    "DLQ_ORIGIN_MESSAGE_ID",
    "DLQ_ORIGIN_TOPIC",
    "DUP_INFO",
    "EXTEND_UNIQ_INFO",
    "INNER_BASE",
    "INNER_MULTI_DISPATCH",
    "INNER_MULTI_QUEUE_OFFSET",
    "INNER_NUM",
    "INSTANCE_ID",
    "KEYS",
    "MAX_OFFSET",
    "MAX_RECONSUME_TIMES",
    "MIN_OFFSET",
    "MQ2_FLAG",
    "MSG_REGION",
    "MSG_TYPE",
    "ORIGIN_GROUP",
    "ORIGIN_MESSAGE_ID",
    "PGROUP",
    "POP_CK",
    "POP_CK_OFFSET",
    "PROPERTY_FORWARD_QUEUE_ID",
    "PUSH_REPLY_TIME",
    "REAL_QID",
    "REAL_TOPIC",
    "RECONSUME_TIME",
    "REDIRECT",
    "REPLY_TO_CLIENT",
    "RETRY_TOPIC",
    "TAGS",
    "TRACE_CONTEXT",
    "TRACE_ON",
    "TRANSACTION_CHECK_TIMES",
    "TRANSFER_FLAG",
    "TRAN_MSG",
    "TRAN_PREPARED_QUEUE_OFFSET",
    "TTL",
    "UNIQ_KEY",
    "WAIT",
    "_SYS_MSG_PRIORITY_",
    "__BORNHOST",
    "__CRC32#",
    "__SHARDINGKEY",
    "__transactionId__",
});
static_assert(std::is_sorted(reserved.begin(), reserved.end()));

bool blank(std::string_view s) { return s.find_first_not_of(' ') == std::string_view::npos; }

// Whether every byte is a printable ASCII character, eight at a time: nearly every text is.
bool printable_ascii(std::string_view s) {
  constexpr uint64_t ones = ~uint64_t{0} / 255, high = ones * 0x80;
  const char* p = s.data();
  size_t left = s.size();
  uint64_t wrong = 0;
  for (; left >= 8; p += 8, left -= 8) {
    uint64_t v;
    std::memcpy(&v, p, 8);
    // The high bit of a byte is set by: itself; v - 0x20 below 0; v + 1 from 0x7F on.
    wrong |= (v | (v - ones * 0x20) | (v + ones)) & high;
  }
  for (; left > 0; ++p, --left)
    wrong |= static_cast<uint64_t>(*p < 0x20 || *p == 0x7F);  // char is signed: 0x80 and up too
  return wrong == 0;
}

// What is wrong with a text; null when nothing is. `may_be_blank`: user properties.
const char* text_fault(std::string_view s, bool may_be_blank) {
  if (printable_ascii(s)) return !may_be_blank && blank(s) ? "is blank" : nullptr;
  if (!utf8_valid(s)) return "is not UTF-8";
  if (has_control_character(s)) return "contains a control character";
  if (!may_be_blank && blank(s)) return "is blank";
  return nullptr;
}

std::string quoted(std::string_view s) {
  constexpr size_t shown_max = 64;
  std::string out = "\"";
  for (const char c : s.substr(0, shown_max)) out += c >= 0x20 && c < 0x7F ? c : '?';
  return out += s.size() > shown_max ? "...\"" : "\"";
}

size_t property_bytes(const queue_message& m) {
  size_t n = m.tag.size();
  for (const auto& key : m.keys) n += key.size();
  for (const auto& [name, value] : m.properties) n += name.size() + value.size();
  return n;
}

std::string property_refusal(const queue_message& m) {
  if (m.properties.size() > rocketmq_properties_max)
    return std::to_string(m.properties.size()) + " properties; RocketMQ takes " +
           std::to_string(rocketmq_properties_max);
  for (const auto& [name, value] : m.properties) {
    if (reserved_property(name))
      return "property " + quoted(name) + " has a meaning to RocketMQ and cannot be set by a user";
    if (const auto* why = text_fault(name, true))
      return "property name " + quoted(name) + " " + why;
    if (const auto* why = text_fault(value, true))
      return "the value of property " + quoted(name) + " " + why;
  }
  if (const auto n = property_bytes(m); n > rocketmq_property_bytes_max)
    return "tag, keys and properties have " + std::to_string(n) + " bytes; RocketMQ takes " +
           std::to_string(rocketmq_property_bytes_max);
  return {};
}

bool same_properties(const queue_message& a, const queue_message& b) {
  return a.tag == b.tag && a.keys == b.keys && a.properties == b.properties;
}

}  // namespace

bool reserved_property(std::string_view name) {
  // None begins with a small letter; the properties of rules do.
  if (!name.empty() && name.front() >= 'a') return false;
  return name.starts_with(timer_prefix) ||
         std::binary_search(reserved.begin(), reserved.end(), name);
}

bool has_control_character(std::string_view utf8) {
  for (size_t i = 0; i < utf8.size(); ++i) {
    const auto c = static_cast<unsigned char>(utf8[i]);
    if (c < 0x20 || c == 0x7F) return true;
    // U+0080 to U+009F are the two bytes C2 80 to C2 9F.
    if (c == 0xC2 && i + 1 < utf8.size() && static_cast<unsigned char>(utf8[i + 1]) < 0xA0)
      return true;
  }
  return false;
}

std::string refusal(const queue_message& m) {
  if (m.body.empty()) return "the body is empty; RocketMQ takes none";
  if (m.body.size() > rocketmq_body_bytes_max)
    return "the body has " + std::to_string(m.body.size()) + " bytes; RocketMQ takes " +
           std::to_string(rocketmq_body_bytes_max);
  if (const auto* why = text_fault(m.message_id, false))
    return std::string("the message ID ") + why;
  if (!m.tag.empty()) {
    if (const auto* why = text_fault(m.tag, false)) return "tag " + quoted(m.tag) + " " + why;
    if (m.tag.find('|') != std::string::npos) return "tag " + quoted(m.tag) + " contains |";
  }
  for (const auto& key : m.keys)
    if (const auto* why = text_fault(key, false)) return "key " + quoted(key) + " " + why;
  return property_refusal(m);
}

std::string topic_fault(std::string_view topic) {
  const auto fits = [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '%' ||
           c == '|' || c == '_' || c == '-';
  };
  if (topic.empty()) return "the queue's name is empty";
  if (topic.size() > rocketmq_topic_bytes_max)
    return "the queue's name has " + std::to_string(topic.size()) + " bytes; RocketMQ takes " +
           std::to_string(rocketmq_topic_bytes_max);
  if (!std::all_of(topic.begin(), topic.end(), fits))
    return quoted(topic) + " is no RocketMQ topic: letters, digits, -, _, % and | only";
  return {};
}

std::string batch_fault(const std::vector<queue_message>& batch, bool mixed) {
  if (batch.size() < 2) return {};
  // What the server adds to each message of a batch: host, cluster, trace flags and the names of
  // its fields.
  constexpr size_t overhead = 256;
  size_t bytes = 0;
  for (const auto& m : batch) {
    if (!m.message_group.empty()) return "a message with a message group must be sent alone";
    if (!mixed && !same_properties(m, batch.front()))
      return "messages of one batch must have the same tag, keys and properties (rocketmq.batch: "
             "full lifts this)";
    bytes += m.body.size() + m.message_id.size() + property_bytes(m) + overhead;
  }
  if (bytes > rocketmq_batch_bytes_max)
    return "a batch of " + std::to_string(bytes) + " bytes; RocketMQ takes " +
           std::to_string(rocketmq_batch_bytes_max);
  return {};
}

std::string wire_group(const std::string& group) {
  if (group.empty() ||
      (group.size() <= rocketmq_group_bytes_max && text_fault(group, false) == nullptr))
    return group;
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest;
  SHA1(reinterpret_cast<const unsigned char*>(group.data()), group.size(), digest.data());
  std::string out = "sha1-";
  for (const unsigned char byte : digest) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

}  // namespace dunlin::rules
