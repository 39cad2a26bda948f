#include "broker/net/websocket.hpp"

#include <algorithm>
#include <cstring>

#include "base/utf8.hpp"

namespace dunlin::net {
namespace {

enum opcode : uint8_t { continuation = 0, text = 1, binary = 2, closing = 8, ping = 9, pong = 10 };
constexpr uint8_t final_bit = 0x80, mask_bit = 0x80;
constexpr size_t control_bytes_max = 125;
// A peer that sends pings and reads no pongs gets no more of them: only the last one counts.
constexpr size_t output_max_for_pong = 4096;

uint64_t big_endian(const char* p, size_t n) {
  uint64_t v = 0;
  for (size_t i = 0; i < n; ++i) v = v << 8 | static_cast<uint8_t>(p[i]);
  return v;
}

void put_head(uint8_t op, size_t size, std::string& out) {
  char h[10];
  size_t n = 2;
  h[0] = static_cast<char>(final_bit | op);
  if (size < 126) {
    h[1] = static_cast<char>(size);
  } else {
    const size_t width = size < 65'536 ? 2 : 8;
    h[1] = width == 2 ? 126 : 127;
    for (size_t i = 0; i < width; ++i)
      h[2 + i] = static_cast<char>(static_cast<uint64_t>(size) >> (8 * (width - 1 - i)));
    n += width;
  }
  out.append(h, n);
}

// Copies forward, so `to` may lie before `from` in the same buffer.
void unmask(char* to, const char* from, size_t size, const uint8_t (&mask)[4], uint8_t phase) {
  uint8_t turned[8];
  for (size_t i = 0; i < 8; ++i) turned[i] = mask[(phase + i) & 3];
  uint64_t wide;
  std::memcpy(&wide, turned, 8);
  size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    uint64_t v;
    std::memcpy(&v, from + i, 8);
    v ^= wide;
    std::memcpy(to + i, &v, 8);
  }
  for (; i < size; ++i) to[i] = static_cast<char>(from[i] ^ static_cast<char>(turned[i & 7]));
}

bool good_close_code(unsigned code) {
  return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
         (code >= 3000 && code <= 4999);
}

}  // namespace

websocket_server::websocket_server(std::string_view path)
    : upgrade_(std::make_unique<upgrade>(upgrade{path, {}})) {}

size_t websocket_server::receive(char* data, size_t size) {
  if (over_) return 0;
  return upgrade_ ? receive_head(data, size) : receive_frames(data, size);
}

size_t websocket_server::receive_head(char* data, size_t size) {
  std::string& head = upgrade_->head;
  const size_t before = head.size();
  head.append(data, size);
  const size_t end = head.find("\r\n\r\n", before < 3 ? 0 : before - 3);
  const bool whole = end != std::string::npos;
  if (!whole && head.size() <= websocket_head_bytes_max) return 0;
  auto a = whole && end + 4 <= websocket_head_bytes_max
               ? answer_upgrade(std::string_view(head).substr(0, end + 4), upgrade_->path)
               : refuse_too_large();
  const size_t used = whole ? end + 4 - before : size;  // of `data`
  upgrade_.reset();
  output_ += a.response;
  refusal_ = a.refusal;
  if (refusal_ != websocket_refusal::none) {
    over_ = close_sent_ = true;
    return 0;
  }
  std::memmove(data, data + used, size - used);
  return receive_frames(data, size - used);
}

size_t websocket_server::frame_head_size() const {
  if (have_ < 2) return 2;
  const uint8_t length = static_cast<uint8_t>(head_[1]) & 127;
  return 2 +
         (length == 126   ? 2
          : length == 127 ? 8
                          : 0) +
         (static_cast<uint8_t>(head_[1]) & mask_bit ? 4 : 0);
}

size_t websocket_server::receive_frames(char* data, size_t size) {
  char* out = data;
  const char* p = data;
  const char* const end = data + size;
  while (p < end && !over_) {
    if (!in_payload_) {
      head_[have_++] = *p++;
      if (have_ < 2 || have_ < frame_head_size()) continue;
      begin_frame();
    } else {
      const size_t n = static_cast<size_t>(std::min<uint64_t>(left_, static_cast<size_t>(end - p)));
      if (control()) {
        const size_t at = control_.size();
        control_.resize(at + n);
        unmask(control_.data() + at, p, n, mask_, phase_);
      } else {
        unmask(out, p, n, mask_, phase_);
        out += n;
      }
      phase_ = (phase_ + n) & 3;
      p += n;
      left_ -= n;
    }
    if (in_payload_ && left_ == 0) end_frame();
  }
  return static_cast<size_t>(out - data);
}

void websocket_server::begin_frame() {
  const auto first = static_cast<uint8_t>(head_[0]), second = static_cast<uint8_t>(head_[1]);
  const size_t size = have_;
  have_ = 0;
  opcode_ = first & 15;
  const bool final = first & final_bit;
  if (first & 0x70 || !(second & mask_bit)) return fail(websocket_close::protocol_error);
  if (opcode_ == text) return fail(websocket_close::unsupported_data);  // [MQTT-6.0.0-1]
  if (opcode_ != continuation && opcode_ != binary && (opcode_ < closing || opcode_ > pong))
    return fail(websocket_close::protocol_error);
  const uint8_t length = second & 127;
  left_ = length == 126   ? big_endian(head_ + 2, 2)
          : length == 127 ? big_endian(head_ + 2, 8)
                          : length;
  const bool shortest = length < 126 || (length == 126 ? left_ >= 126 : left_ >= 65'536);
  if (!shortest || left_ >> 63) return fail(websocket_close::protocol_error);
  if (control() ? !final || left_ > control_bytes_max : in_message_ != (opcode_ == continuation))
    return fail(websocket_close::protocol_error);
  if (!control()) in_message_ = !final;
  std::memcpy(mask_, head_ + size - 4, 4);
  phase_ = 0;
  in_payload_ = true;
}

void websocket_server::end_frame() {
  in_payload_ = false;
  if (!control()) return;
  control_frame();
  std::string().swap(control_);
}

void websocket_server::control_frame() {
  if (opcode_ == closing) return on_close();
  if (opcode_ != ping || close_sent_ || output_.size() > output_max_for_pong) return;
  put_head(pong, control_.size(), output_);
  output_ += control_;
}

void websocket_server::on_close() {
  over_ = true;
  if (control_.size() == 1) return fail(websocket_close::protocol_error);
  if (control_.size() >= 2) {
    if (!good_close_code(static_cast<unsigned>(big_endian(control_.data(), 2))))
      return fail(websocket_close::protocol_error);
    if (!utf8_valid(std::string_view(control_).substr(2)))
      return fail(websocket_close::invalid_payload);
  }
  if (std::exchange(close_sent_, true)) return;
  const std::string_view code = std::string_view(control_).substr(0, 2);  // or none
  put_head(closing, code.size(), output_);
  output_ += code;
}

void websocket_server::fail(websocket_close code) {
  over_ = true;
  close(code);
}

void websocket_server::close(websocket_close code) {
  if (upgrade_ || std::exchange(close_sent_, true)) return;
  put_head(closing, 2, output_);
  const auto n = static_cast<uint16_t>(code);
  output_ += static_cast<char>(n >> 8);
  output_ += static_cast<char>(n & 255);
}

void websocket_server::frame(std::string_view mqtt, std::string& out) {
  put_head(binary, mqtt.size(), out);
  out += mqtt;
}

}  // namespace dunlin::net
