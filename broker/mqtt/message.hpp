// A published message on its way through the broker: immutable, reference counted, one allocation.
//
// Made once by the session that decodes a PUBLISH (or by a rule's ingress), shared by every
// subscriber's queue on every reactor. Holds topic, payload and the properties that are forwarded,
// already encoded (packet.hpp).
//
//   message_ptr m = message::make({.topic = "a/b", .payload = "hi", .qos = 1});
//   size_t n = encoded_size(*m, version::v5, {.qos = 1, .packet_id = 7});
//   encode(*m, version::v5, {.qos = 1, .packet_id = 7}, out);   // appends one PUBLISH
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "broker/mqtt/packet.hpp"

namespace dunlin::mqtt {

class message;

class message_ptr {
 public:
  message_ptr() = default;
  message_ptr(const message_ptr& o) noexcept;
  message_ptr(message_ptr&& o) noexcept : m_(std::exchange(o.m_, nullptr)) {}
  message_ptr& operator=(message_ptr o) noexcept {
    std::swap(m_, o.m_);
    return *this;
  }
  ~message_ptr();
  const message* operator->() const { return m_; }
  const message& operator*() const { return *m_; }
  const message* get() const { return m_; }
  explicit operator bool() const { return m_ != nullptr; }
  bool operator==(const message_ptr& o) const = default;

 private:
  friend class message;
  explicit message_ptr(message* m) noexcept : m_(m) {}
  message* m_ = nullptr;
};

struct message_content {
  std::string_view topic;
  std::string_view payload;
  uint8_t qos = 0;
  bool retain = false;
  publish_properties props = {};
  uint64_t now_ms = 0;  // the broker's clock, needed where props.message_expiry_interval is set
};

class message {
 public:
  static constexpr uint64_t never = ~uint64_t{0};

  static message_ptr make(const message_content& c);
  static message_ptr make(const publish& p, uint64_t now_ms);

  // The same message for another topic.
  message_ptr under(std::string_view topic) const;

  std::string_view topic() const { return {body() + 2, topic_size_}; }
  std::string_view payload() const { return {body() + 2 + topic_size_, payload_size_}; }
  std::string_view properties() const {  // what is forwarded, encoded
    return {body() + 2 + topic_size_ + payload_size_, properties_size_};
  }
  uint8_t qos() const { return qos_; }
  bool retain() const { return retain_; }
  // When it expires on the broker's clock, ms; `never` without an expiry.
  uint64_t expires_ms() const { return expires_ms_; }
  bool expired(uint64_t now_ms) const { return now_ms >= expires_ms_; }
  // Bytes that it takes in memory; what queue limits count.
  size_t footprint() const {
    return sizeof(message) + 2 + topic_size_ + payload_size_ + properties_size_;
  }
  // Topic with its length in front, followed by the payload: the body of a QoS 0 PUBLISH in 3.x.
  std::string_view v3_body() const { return {body(), 2u + topic_size_ + payload_size_}; }

 private:
  friend class message_ptr;
  friend void encode_v3(const message& m, uint8_t first_byte, uint16_t packet_id, std::string& out);
  message() = default;
  template <class Content>  // publish or message_content
  static message_ptr made_of(const Content& c, uint64_t now_ms);
  const char* body() const { return reinterpret_cast<const char*>(this + 1); }
  char* body() { return reinterpret_cast<char*>(this + 1); }

  mutable std::atomic<uint32_t> references_{1};
  uint32_t payload_size_ = 0;
  uint32_t properties_size_ = 0;
  uint16_t topic_size_ = 0;
  uint8_t qos_ = 0;
  bool retain_ = false;
  uint64_t expires_ms_ = never;  // the last: encode_v3 copies it and writes over the copy
};

inline message_ptr::message_ptr(const message_ptr& o) noexcept : m_(o.m_) {
  if (m_) m_->references_.fetch_add(1, std::memory_order_relaxed);
}
inline message_ptr::~message_ptr() {
  // Alone with it (the common end of a queue): no read-modify-write is needed.
  if (m_ && (m_->references_.load(std::memory_order_acquire) == 1 ||
             m_->references_.fetch_sub(1, std::memory_order_acq_rel) == 1))
    ::operator delete(m_);
}

// How one subscriber gets it.
struct send_form {
  uint8_t qos = 0;
  bool dup = false;
  bool retain = false;
  uint16_t packet_id = 0;
  std::string_view subscription_ids = {};  // encoded (0x0B + varint each); 5.0 only
  uint16_t topic_alias = 0;                // 5.0 only; 0: none
  bool omit_topic = false;                 // 5.0 with an alias the client knows
  uint64_t now_ms = 0;                     // for the remaining expiry
};

// Size of the whole packet; decides about the client's maximum packet size.
size_t encoded_size(const message& m, version v, const send_form& f);
// Appends the PUBLISH packet.
void encode(const message& m, version v, const send_form& f, std::string& out);
// The same for 3.x clients, who see no properties; packet_id is left out with QoS 0.
void encode_v3(const message& m, uint8_t first_byte, uint16_t packet_id, std::string& out);
inline uint8_t publish_first_byte(uint8_t qos, bool dup, bool retain) {
  return static_cast<uint8_t>(0x30 | (dup ? 8 : 0) | qos << 1 | (retain ? 1 : 0));
}

}  // namespace dunlin::mqtt
