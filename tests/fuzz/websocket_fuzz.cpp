// Any bytes to the server's end of a WebSocket. Bit 0 of the first byte: behind a good upgrade; bit
// 1: the rest is a list of frames (first byte, length, payload) that are masked and made to fit;
// bit 2: the head of the upgrade is longer by 64 times the second byte, which also says how the
// bytes are split.
//
// However they are split, the same MQTT comes out and the same is answered; what is answered is
// well-formed, and nothing counts once it is over.
//   bazel build --config=fuzz //tests/fuzz:websocket_fuzz
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "broker/net/websocket.hpp"
#include "tests/fuzz/require.hpp"

namespace dunlin::net {
namespace {

using fuzz::require;

constexpr std::string_view upgrade =
    "GET /mqtt HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: mqtt\r\n\r\n";

struct outcome {
  std::string mqtt, answers;
  bool open = false, over = false;
  websocket_refusal refusal = websocket_refusal::none;
  bool operator==(const outcome&) const = default;
};

outcome feed(std::string_view bytes, size_t piece) {
  outcome o;
  websocket_server ws("/mqtt");
  while (!bytes.empty()) {
    std::string part(bytes.substr(0, piece));
    bytes.remove_prefix(part.size());
    const bool was_over = ws.over();
    const size_t n = ws.receive(part.data(), part.size());
    require(n <= part.size(), "more came out than went in");
    require(!was_over || n == 0, "it was over");
    o.mqtt.append(part, 0, n);
    const bool has_output = ws.has_output();
    const std::string output = ws.take_output();
    require(has_output == !output.empty() && !ws.has_output(), "output that is none");
    o.answers += output;
  }
  o.open = ws.open();
  o.over = ws.over();
  o.refusal = ws.refusal();
  require(o.refusal == websocket_refusal::none || (o.over && !o.open && o.mqtt.empty()), "refused");
  require(to_string(o.refusal)[0] != '\0', "a refusal without a name");
  return o;
}

// The server's frames: final, not masked, as short as they can be told; control frames are small.
void check_answers(std::string_view rest) {
  const size_t head = rest.find("\r\n\r\n");
  if (rest.empty()) return;
  require(rest.starts_with("HTTP/1.1 ") && head != std::string_view::npos, "no HTTP answer");
  if (!rest.starts_with("HTTP/1.1 101 ")) return;
  rest.remove_prefix(head + 4);
  while (!rest.empty()) {
    require(rest.size() >= 2, "half a frame");
    const auto first = static_cast<uint8_t>(rest[0]), size = static_cast<uint8_t>(rest[1]);
    require(first == 0x88 || first == 0x8A, "neither close nor pong");
    require(size <= 125 && rest.size() >= 2u + size, "a control frame's length");
    rest.remove_prefix(2u + size);
  }
}

std::string masked(std::string_view list) {
  constexpr char mask[4] = {0x12, 0x00, 0x7F, static_cast<char>(0xFF)};
  std::string out;
  while (list.size() >= 2) {
    const std::string_view payload = list.substr(2, static_cast<uint8_t>(list[1]));
    out.push_back(list[0]);
    if (payload.size() < 126) {
      out.push_back(static_cast<char>(0x80 | payload.size()));
    } else {
      out.append("\xFE\x00", 2);
      out.push_back(static_cast<char>(payload.size()));
    }
    out.append(mask, 4);
    for (size_t i = 0; i < payload.size(); ++i) out.push_back(payload[i] ^ mask[i % 4]);
    list.remove_prefix(2 + payload.size());
  }
  return out;
}

void check(uint8_t mode, uint8_t piece, std::string_view rest) {
  std::string bytes(mode & 1 ? upgrade : "");
  if ((mode & 5) == 5)
    bytes.insert(bytes.size() - 2, "Cookie: " + std::string(64 * piece, 'c') + "\r\n");
  bytes += mode & 2 ? masked(rest) : std::string(rest);
  const outcome whole = feed(bytes, std::max<size_t>(1, bytes.size()));
  check_answers(whole.answers);
  require(feed(bytes, 1 + piece) == whole, "split, it means something else");
  std::string framed;
  websocket_server::frame(rest, framed);
  require(framed.ends_with(rest) && framed.size() <= rest.size() + 10, "a frame around it");
}

}  // namespace
}  // namespace dunlin::net

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  dunlin::net::check(data[0], data[1], {reinterpret_cast<const char*>(data) + 2, size - 2});
  return 0;
}
