#include "broker/net/websocket.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace dunlin::net {
namespace {

using namespace std::string_literals;

const std::string request =
    "GET /mqtt HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: mqtt\r\n\r\n";

std::string without(std::string text, const std::string& what, const std::string& instead = "") {
  const size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), instead);
}

// A client's frame, masked.
std::string frame(uint8_t first, std::string payload, uint32_t key = 0xA1B2C3D4) {
  std::string out(1, static_cast<char>(first));
  const size_t n = payload.size();
  if (n < 126) {
    out += static_cast<char>(0x80 | n);
  } else if (n < 65'536) {
    out += static_cast<char>(0x80 | 126);
    out += static_cast<char>(n >> 8);
    out += static_cast<char>(n & 255);
  } else {
    out += static_cast<char>(0x80 | 127);
    for (int i = 7; i >= 0; --i) out += static_cast<char>(static_cast<uint64_t>(n) >> (8 * i));
  }
  char mask[4];
  for (int i = 0; i < 4; ++i) mask[i] = static_cast<char>(key >> (8 * (3 - i)));
  out.append(mask, 4);
  for (size_t i = 0; i < n; ++i) payload[i] = static_cast<char>(payload[i] ^ mask[i % 4]);
  return out + payload;
}

class WebSocket : public ::testing::Test {
 protected:
  void open() {
    EXPECT_EQ(receive(request), "");
    EXPECT_TRUE(ws_.take_output().starts_with("HTTP/1.1 101 "));
    EXPECT_TRUE(ws_.open());
  }
  std::string receive(std::string bytes) {
    bytes.resize(ws_.receive(bytes.data(), bytes.size()));
    return bytes;
  }
  void expect_closed(const std::string& bytes, unsigned code) {
    EXPECT_EQ(receive(bytes), "");
    EXPECT_TRUE(ws_.over());
    const std::string out = ws_.take_output();
    ASSERT_EQ(out.size(), 4u);
    EXPECT_EQ(out.substr(0, 2), "\x88\x02");
    EXPECT_EQ(static_cast<uint8_t>(out[2]) << 8 | static_cast<uint8_t>(out[3]), code);
  }
  websocket_server ws_{"/mqtt"};
};

TEST_F(WebSocket, UpgradeIsAnsweredWithTheKeyOfRfc6455) {
  EXPECT_EQ(receive(request), "");
  const std::string answer = ws_.take_output();
  EXPECT_NE(answer.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
            std::string::npos);
  EXPECT_NE(answer.find("Sec-WebSocket-Protocol: mqtt\r\n"), std::string::npos);
}

TEST_F(WebSocket, UpgradeMayComeByteByByteWithAFrameBehindIt) {
  const std::string all = request + frame(0x82, "abc");
  std::string got;
  for (const char c : all) got += receive(std::string(1, c));
  EXPECT_EQ(got, "abc");
  EXPECT_FALSE(ws_.over());
}

TEST_F(WebSocket, UpgradeAndFrameInOneRead) {
  EXPECT_EQ(receive(request + frame(0x82, "abc") + frame(0x82, "def")), "abcdef");
}

TEST_F(WebSocket, UpgradesThatAreRefused) {
  struct row {
    std::string request;
    websocket_refusal why;
    std::string status;
  };
  const row rows[] = {
      {without(request, "/mqtt ", "/other "), websocket_refusal::path, "404"},
      {without(request, "Sec-WebSocket-Protocol: mqtt\r\n"), websocket_refusal::subprotocol, "400"},
      {without(request, "Protocol: mqtt", "Protocol: chat"), websocket_refusal::subprotocol, "400"},
      {without(request, "Version: 13", "Version: 8"), websocket_refusal::version, "426"},
      {without(request, "Upgrade: websocket\r\n"), websocket_refusal::not_websocket, "426"},
      {without(request, ", Upgrade"), websocket_refusal::malformed, "400"},
      {without(request, "GET", "POST"), websocket_refusal::malformed, "400"},
      {without(request, "b25jZQ==", "b25jZQ="), websocket_refusal::malformed, "400"},
      {"\x10\x0c\x00\x04MQTT\r\n\r\n"s, websocket_refusal::malformed, "400"},
      {without(request, "Host: x", "Host: " + std::string(9000, 'x')), websocket_refusal::too_large,
       "431"},
      {std::string(9000, 'x'), websocket_refusal::too_large, "431"},
  };
  for (const auto& r : rows) {
    websocket_server ws("/mqtt");
    std::string bytes = r.request;
    EXPECT_EQ(ws.receive(bytes.data(), bytes.size()), 0u);
    EXPECT_TRUE(ws.over()) << r.request;
    EXPECT_EQ(ws.refusal(), r.why) << r.request;
    const std::string answer = ws.take_output();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + r.status)) << answer;
    EXPECT_NE(answer.find("\r\n\r\n"), std::string::npos);
  }
}

TEST_F(WebSocket, OlderSubprotocolAndQueryAreTaken) {
  EXPECT_EQ(receive(without(without(request, "Protocol: mqtt", "Protocol: x, mqttv3.1"), "/mqtt ",
                            "/mqtt?a=b ")),
            "");
  EXPECT_NE(ws_.take_output().find("Sec-WebSocket-Protocol: mqttv3.1\r\n"), std::string::npos);
}

// [MQTT-6.0.0-2]: packets need not be aligned with frames.
TEST_F(WebSocket, FramesAreJoinedWhereverTheyAreCut) {
  open();
  const std::string payload = "0123456789abcdefghijklmnopqrstuvwxyz";
  const std::string sent = frame(0x02, payload.substr(0, 7)) + frame(0x89, "ping") +
                           frame(0x00, payload.substr(7, 1)) + frame(0x80, payload.substr(8)) +
                           frame(0x82, "") + frame(0x82, payload);
  for (size_t cut = 0; cut <= sent.size(); ++cut) {
    websocket_server ws("/mqtt");
    std::string head = request, got;
    ws.receive(head.data(), head.size());
    ws.take_output();
    for (std::string part : {sent.substr(0, cut), sent.substr(cut)})
      got.append(part.data(), ws.receive(part.data(), part.size()));
    EXPECT_EQ(got, payload + payload) << cut;
    EXPECT_EQ(ws.take_output(), "\x8A\x04ping") << cut;
    EXPECT_FALSE(ws.over());
  }
}

TEST_F(WebSocket, LengthsOfEveryForm) {
  open();
  for (const size_t n : {0u, 1u, 125u, 126u, 127u, 65'535u, 65'536u, 300'000u}) {
    const std::string payload(n, static_cast<char>('a' + n % 26));
    EXPECT_EQ(receive(frame(0x82, payload)), payload) << n;
  }
  EXPECT_FALSE(ws_.over());
}

TEST_F(WebSocket, WrittenFramesAreBinaryAndUnmasked) {
  for (const size_t n : {0u, 125u, 126u, 65'535u, 65'536u}) {
    std::string out;
    websocket_server::frame(std::string(n, 'x'), out);
    const size_t head = n < 126 ? 2 : n < 65'536 ? 4 : 10;
    ASSERT_EQ(out.size(), head + n);
    EXPECT_EQ(static_cast<uint8_t>(out[0]), 0x82);
    EXPECT_EQ(static_cast<uint8_t>(out[1]), n < 126 ? n : n < 65'536 ? 126 : 127);
  }
}

TEST_F(WebSocket, TextFrameCloses) {  // [MQTT-6.0.0-1]
  open();
  expect_closed(frame(0x81, "hello"), 1003);
}

TEST_F(WebSocket, BrokenFramesClose) {
  const std::string bad[] = {
      "\x82\x03" + "abc"s,  // not masked
      frame(0xC2, "a"),
      frame(0xA2, "a"),
      frame(0x92, "a"),  // reserved bits
      frame(0x83, "a"),
      frame(0x8B, "a"),                        // reserved opcodes
      frame(0x80, "a"),                        // continues nothing
      frame(0x02, "") + frame(0x82, "a"),      // a message within a message
      frame(0x09, "a"),                        // a ping in fragments
      frame(0x89, std::string(126, 'p')),      // a long ping
      "\x82\xFE\x00\x05"s + "mask" + "abcde",  // a length that fits in less
      "\x82\xFF\x00\x00\x00\x00\x00\x00\x00\x05"s + "mask" + "abcde",
      "\x82\xFF\x80\x00\x00\x00\x00\x00\x00\x00"s + "mask",
  };
  for (const auto& b : bad) {
    websocket_server ws("/mqtt");
    std::string head = request, bytes = b;
    ws.receive(head.data(), head.size());
    ws.take_output();
    EXPECT_EQ(ws.receive(bytes.data(), bytes.size()), 0u);
    EXPECT_TRUE(ws.over());
    EXPECT_EQ(ws.take_output(), "\x88\x02\x03\xEA"s);  // 1002
  }
}

TEST_F(WebSocket, GoodBytesBeforeABrokenFrameCount) {
  open();
  EXPECT_EQ(receive(frame(0x82, "abc") + frame(0x81, "x") + frame(0x82, "def")), "abc");
  EXPECT_TRUE(ws_.over());
  EXPECT_EQ(receive(frame(0x82, "ghi")), "");
}

TEST_F(WebSocket, CloseIsAnsweredWithItsCode) {
  open();
  EXPECT_EQ(receive(frame(0x88, "\x03\xE9going")), "");
  EXPECT_TRUE(ws_.over());
  EXPECT_FALSE(ws_.open());
  EXPECT_EQ(ws_.take_output(), "\x88\x02\x03\xE9");
}

TEST_F(WebSocket, CloseWithoutACodeAndBrokenOnes) {
  const std::pair<std::string, std::string> rows[] = {
      {"", "\x88\x00"s},
      {"\x03", "\x88\x02\x03\xEA"s},
      {"\x03\xED", "\x88\x02\x03\xEA"s},          // 1005 must not be sent
      {"\x27\x0F", "\x88\x02\x03\xEA"s},          // 9999
      {"\x03\xE8\xFF\xFF", "\x88\x02\x03\xEF"s},  // not UTF-8
  };
  for (const auto& [payload, answer] : rows) {
    websocket_server ws("/mqtt");
    std::string head = request, bytes = frame(0x88, payload);
    ws.receive(head.data(), head.size());
    ws.take_output();
    ws.receive(bytes.data(), bytes.size());
    EXPECT_TRUE(ws.over());
    EXPECT_EQ(ws.take_output(), answer);
  }
}

TEST_F(WebSocket, ServerClosesOnce) {
  open();
  ws_.close(websocket_close::normal);
  ws_.close(websocket_close::going_away);
  EXPECT_EQ(ws_.take_output(), "\x88\x02\x03\xE8");
  EXPECT_FALSE(ws_.open());
  receive(frame(0x88, "\x03\xE8"));  // the answer is not answered
  EXPECT_EQ(ws_.take_output(), "");
}

}  // namespace
}  // namespace dunlin::net
