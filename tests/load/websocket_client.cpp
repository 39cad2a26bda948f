#include "tests/load/websocket_client.hpp"

#include <openssl/evp.h>
#include <strings.h>

#include <algorithm>
#include <cstring>

namespace dunlin::load {
namespace {

constexpr uint8_t final_bit = 0x80, reserved_bits = 0x70, mask_bit = 0x80;
constexpr size_t control_max = 125;  // RFC 6455 section 5.5
constexpr std::string_view accept_guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

std::string base64(const unsigned char* bytes, size_t size) {
  unsigned char text[64];
  const int n = EVP_EncodeBlock(text, bytes, int(size));
  return std::string(reinterpret_cast<char*>(text), size_t(n));
}

// The value of a header field, without the spaces around it; empty when it is not there.
std::string_view field(std::string_view head, std::string_view name) {
  for (size_t at = head.find("\r\n"); at != std::string_view::npos;) {
    const size_t begin = at + 2, end = std::min(head.find("\r\n", begin), head.size());
    const std::string_view line = head.substr(begin, end - begin);
    if (line.size() > name.size() && line[name.size()] == ':' &&
        strncasecmp(line.data(), name.data(), name.size()) == 0) {
      std::string_view value = line.substr(name.size() + 1);
      while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
      while (!value.empty() && value.back() == ' ') value.remove_suffix(1);
      return value;
    }
    at = end < head.size() ? end : std::string_view::npos;
  }
  return {};
}

size_t put_length(uint64_t size, char* at) {
  if (size < 126) {
    at[0] = char(mask_bit | size);
    return 1;
  }
  const size_t bytes = size < 65'536 ? 2 : 8;
  at[0] = char(mask_bit | (bytes == 2 ? 126 : 127));
  for (size_t i = 0; i < bytes; ++i) at[1 + i] = char(size >> (8 * (bytes - 1 - i)));
  return 1 + bytes;
}

void mask_copy(const char* from, size_t size, uint32_t mask, char* to) {
  const uint64_t wide = uint64_t(mask) << 32 | mask;
  size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    uint64_t x;
    std::memcpy(&x, from + i, 8);
    x ^= wide;
    std::memcpy(to + i, &x, 8);
  }
  char key[4];
  std::memcpy(key, &mask, 4);
  for (; i < size; ++i) to[i] = char(from[i] ^ key[i % 4]);
}

}  // namespace

std::string websocket_client::request(std::string_view authority, std::string_view path) {
  const uint64_t nonce[2] = {random_(), random_()};
  const std::string key = base64(reinterpret_cast<const unsigned char*>(nonce), sizeof nonce);
  const std::string text = key + std::string(accept_guid);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha1(), nullptr);
  accept_ = base64(digest, size);
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: " + std::string(authority) +
         "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " + key +
         "\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n";
}

step websocket_client::answered(std::string_view bytes, size_t& used) {
  const size_t end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) {
    if (bytes.size() < answer_bytes_max) return step::wants_read;
    why_ = "WebSocket: the answer to the upgrade does not end";
    return step::failed;
  }
  used = end + 4;
  const std::string_view head = bytes.substr(0, end);
  if (!head.starts_with("HTTP/1.1 101")) {
    why_ = "WebSocket refused: " +
           std::string(head.substr(0, std::min(head.find("\r\n"), head.size())));
  } else if (field(head, "Sec-WebSocket-Accept") != accept_) {
    why_ = "WebSocket: Sec-WebSocket-Accept does not belong to the request";
  } else if (field(head, "Sec-WebSocket-Protocol") != "mqtt") {
    why_ = "WebSocket: the subprotocol mqtt was not chosen";  // [MQTT-6.0.0-3]
  }
  return why_.empty() ? step::done : step::failed;
}

void websocket_client::frame(std::string_view payload, std::string& out) {
  put(binary, payload, out);
}

void websocket_client::put(opcode code, std::string_view payload, std::string& out) {
  char head[14];
  head[0] = char(final_bit | code);
  size_t n = 1 + put_length(payload.size(), head + 1);
  const uint32_t mask = uint32_t(random_());
  std::memcpy(head + n, &mask, 4);
  n += 4;
  const size_t at = out.size();
  out.resize(at + n + payload.size());
  std::memcpy(out.data() + at, head, n);
  mask_copy(payload.data(), payload.size(), mask, out.data() + at + n);
}

std::optional<size_t> websocket_client::unframe(char* bytes, size_t size) {
  size_t at = 0, kept = 0;
  while (at < size && !closed_) {
    if (!in_payload_) {
      header_[header_size_++] = uint8_t(bytes[at++]);
      if (!begin_frame()) return std::nullopt;
      if (!in_payload_) continue;
    }
    const size_t n = std::min<uint64_t>(left_, size - at);
    if (header_[0] & 8) {
      control_.append(bytes + at, n);
    } else {
      if (kept != at) std::memmove(bytes + kept, bytes + at, n);
      kept += n;
    }
    at += n;
    left_ -= n;
    if (left_ > 0) break;
    in_payload_ = false;
    header_size_ = 0;
    if (header_[0] & 8) end_control();
  }
  return kept;
}

// Looks at the header as far as it has come; in_payload_ when it is whole. False when it is
// forbidden.
bool websocket_client::begin_frame() {
  if (header_size_ < 2) return true;
  const uint8_t code = header_[0] & 15, length = header_[1] & 127;
  const size_t size = length < 126 ? 2 : length == 126 ? 4 : 10;
  if (header_size_ < size) return true;
  if (header_[1] & mask_bit) return refuse("a masked frame from the server");
  if (header_[0] & reserved_bits) return refuse("reserved bits are set");
  left_ = length;
  if (size > 2) {
    left_ = 0;
    for (size_t i = 2; i < size; ++i) left_ = left_ << 8 | header_[i];
  }
  const bool last = header_[0] & final_bit;
  if (code == close || code == ping || code == pong) {
    if (!last || left_ > control_max) return refuse("a control frame is split or too long");
  } else if (code == continuation || code == binary) {
    if (in_message_ != (code == continuation)) return refuse("fragments out of turn");
    in_message_ = !last;
  } else {
    return refuse("a frame that is neither binary nor control");  // [MQTT-6.0.0-1]
  }
  in_payload_ = true;
  return true;
}

void websocket_client::end_control() {
  const uint8_t code = header_[0] & 15;
  if (code == ping) put(pong, control_, replies_);
  if (code == close) {
    put(close, std::string_view(control_).substr(0, 2), replies_);
    closed_ = true;
  }
  control_.clear();
}

bool websocket_client::refuse(const char* why) {
  why_ = std::string("WebSocket: ") + why;
  return false;
}

}  // namespace dunlin::load
