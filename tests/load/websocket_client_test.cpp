#include "tests/load/websocket_client.hpp"

#include <gtest/gtest.h>

namespace dunlin::load {
namespace {

using bytes = std::string;

bytes server_frame(uint8_t first, const bytes& payload) {
  bytes f(1, char(first));
  if (payload.size() < 126) {
    f += char(payload.size());
  } else {
    f += {char(126), char(payload.size() >> 8), char(payload.size())};
  }
  return f + payload;
}
constexpr uint8_t binary = 0x82, first_part = 0x02, middle_part = 0x00, last_part = 0x80;
constexpr uint8_t ping = 0x89, close_frame = 0x88;

// A client's frame as a server reads it; it must be masked.
struct unmasked {
  uint8_t first = 0;
  bytes payload;
  uint32_t mask = 0;
  size_t used = 0;
};
unmasked unmask(const bytes& f) {
  unmasked u;
  u.first = uint8_t(f[0]);
  EXPECT_TRUE(uint8_t(f[1]) & 0x80);
  size_t at = 2, size = uint8_t(f[1]) & 127;
  const size_t extra = size == 126 ? 2 : size == 127 ? 8 : 0;
  if (extra) size = 0;
  for (size_t i = 0; i < extra; ++i) size = size << 8 | uint8_t(f[at++]);
  const bytes key = f.substr(at, 4);
  memcpy(&u.mask, key.data(), 4);
  at += 4;
  for (size_t i = 0; i < size; ++i) u.payload += char(f[at + i] ^ key[i % 4]);
  u.used = at + size;
  return u;
}

class WebsocketClient : public ::testing::Test {
 protected:
  websocket_client::random_source random_{4711};
  websocket_client w_{random_};

  // Fed in pieces of `piece` bytes.
  std::optional<bytes> feed(const bytes& all, size_t piece) {
    bytes got;
    for (size_t at = 0; at < all.size(); at += piece) {
      bytes part = all.substr(at, piece);
      const auto n = w_.unframe(part.data(), part.size());
      if (!n) return std::nullopt;
      got += part.substr(0, *n);
    }
    return got;
  }
};

TEST_F(WebsocketClient, FramesAreMaskedWithAKeyOfTheirOwn) {
  for (const size_t size : {0, 1, 7, 8, 125, 126, 65'535, 65'536, 100'001}) {
    bytes payload;
    for (size_t i = 0; i < size; ++i) payload += char(i * 7);
    bytes out = "before";
    w_.frame(payload, out);
    const unmasked u = unmask(out.substr(6));
    EXPECT_EQ(u.first, binary);
    EXPECT_EQ(u.payload, payload) << size;
    EXPECT_EQ(u.used, out.size() - 6);
  }
  bytes a, b;
  w_.frame("x", a);
  w_.frame("x", b);
  EXPECT_NE(unmask(a).mask, unmask(b).mask);
}

TEST_F(WebsocketClient, ReadsFramesCutAnywhere) {
  const bytes big(1000, 'b');
  const bytes all = server_frame(binary, "one") + server_frame(binary, "") +
                    server_frame(first_part, "tw") + server_frame(ping, "now") +
                    server_frame(middle_part, "o") + server_frame(last_part, "!") +
                    server_frame(binary, big);
  for (const size_t piece : {1, 2, 3, 5, 8, 13, 64, 5000}) {
    EXPECT_EQ(feed(all, piece), "onetwo!" + big) << piece;
    const unmasked pong = unmask(w_.replies());
    EXPECT_EQ(pong.first, 0x8A);
    EXPECT_EQ(pong.payload, "now");
    w_.replies().clear();
  }
}

TEST_F(WebsocketClient, AnswersCloseAndReadsNoFurther) {
  EXPECT_EQ(feed(server_frame(binary, "a") + server_frame(close_frame, "\x03\xe8why") +
                     server_frame(binary, "b"),
                 100),
            "a");
  EXPECT_TRUE(w_.closed());
  EXPECT_EQ(unmask(w_.replies()).payload, "\x03\xe8");
}

TEST_F(WebsocketClient, RefusesWhatAServerMustNotSend) {
  for (const bytes& wrong :
       {bytes("\x82\x81", 2), server_frame(0xC2, "x"), server_frame(0x81, "text"),
        server_frame(last_part, "x"), server_frame(first_part, "a") + server_frame(binary, "b"),
        server_frame(0x09, "split ping"), server_frame(ping, bytes(126, 'x')),
        server_frame(0x83, "x")}) {
    websocket_client::random_source random{1};
    websocket_client w(random);
    bytes in = wrong;
    EXPECT_FALSE(w.unframe(in.data(), in.size())) << testing::PrintToString(wrong);
    EXPECT_FALSE(w.why().empty());
  }
}

// The accept value is computed from the key by the server; RFC 6455 section 1.3 has this pair.
TEST_F(WebsocketClient, TakesOnlyTheAnswerToItsOwnRequest) {
  const bytes request = w_.request("localhost:1", "/mqtt");
  EXPECT_EQ(request.find("GET /mqtt HTTP/1.1\r\nHost: localhost:1\r\n"), 0u);
  EXPECT_NE(request.find("Sec-WebSocket-Protocol: mqtt\r\n"), bytes::npos);
  size_t used = 0;
  EXPECT_EQ(w_.answered("HTTP/1.1 101 Switching Protocols\r\nUpg", used), step::wants_read);
  EXPECT_EQ(w_.answered("HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Protocol: mqtt\r\n"
                        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
                        used),
            step::failed);
}

TEST_F(WebsocketClient, TellsWhatTheServerSaidInstead) {
  (void)w_.request("localhost:1", "/mqtt");
  size_t used = 0;
  EXPECT_EQ(w_.answered("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", used), step::failed);
  EXPECT_EQ(w_.why(), "WebSocket refused: HTTP/1.1 404 Not Found");
}

}  // namespace
}  // namespace dunlin::load
