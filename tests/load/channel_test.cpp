// channel against a server made of OpenSSL and a few lines of WebSocket, on a socket pair: no port,
// no thread.
#include "tests/load/channel.hpp"

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <random>

namespace dunlin::load {
namespace {

// A certificate for 127.0.0.1 that has signed itself.
struct identity {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* cert = X509_new();
  identity() {
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME* name = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
    X509_set_issuer_name(cert, name);
    X509_EXTENSION* address =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
    X509_add_ext(cert, address, -1);
    X509_EXTENSION_free(address);
    X509_sign(cert, key, EVP_sha256());
  }
  ~identity() {
    X509_free(cert);
    EVP_PKEY_free(key);
  }
};

// The broker's end: bytes in the clear, or through TLS.
class peer {
 public:
  peer(int fd, bool tls) : fd_(fd) {
    if (!tls) return;
    context_ = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(context_, identity_.cert);
    SSL_CTX_use_PrivateKey(context_, identity_.key);
    SSL_CTX_set_mode(context_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    ssl_ = SSL_new(context_);
    SSL_set_fd(ssl_, fd_);
    SSL_set_accept_state(ssl_);
  }
  ~peer() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
    ::close(fd_);
  }
  std::string read_all() {
    std::string all;
    char part[4096];
    for (;;) {
      const long n = ssl_ ? SSL_read(ssl_, part, sizeof part) : recv(fd_, part, sizeof part, 0);
      if (n <= 0) return all;
      all.append(part, size_t(n));
    }
  }
  size_t write(std::string_view s) {
    const long n =
        ssl_ ? SSL_write(ssl_, s.data(), int(s.size())) : send(fd_, s.data(), s.size(), 0);
    return n > 0 ? size_t(n) : 0;
  }

 private:
  identity identity_;
  int fd_;
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
};

std::string answer_to(const std::string& request) {
  const std::string name = "Sec-WebSocket-Key: ";
  const size_t at = request.find(name) + name.size();
  const std::string text =
      request.substr(at, request.find("\r\n", at) - at) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[EVP_MAX_MD_SIZE], code[64];
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha1(), nullptr);
  EVP_EncodeBlock(code, digest, int(size));
  return "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
         "sec-websocket-protocol:mqtt\r\nsec-websocket-accept: " +
         std::string(reinterpret_cast<char*>(code)) + "\r\n\r\n";
}

struct transport {
  const char* name;
  bool tls, websocket;
};

class Channel : public ::testing::TestWithParam<transport> {
 protected:
  Channel() {
    signal(SIGPIPE, SIG_IGN);
    int fds[2];
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds);
    fd_ = fds[0];
    peer_ = std::make_unique<peer>(fds[1], GetParam().tls);
    to_.tls = GetParam().tls;
    to_.websocket = GetParam().websocket;
    to_.host = "127.0.0.1";
    to_.authority = "127.0.0.1:1";
    to_.path = "/mqtt";
  }
  ~Channel() override { ::close(fd_); }

  void make(bool insecure) {
    std::string wrong;
    context_ = tls_context::make({.ca = "", .cert = "", .key = "", .insecure = insecure}, wrong);
    ASSERT_TRUE(context_) << wrong;
    channel_ = std::make_unique<channel>(to_, context_.get(), fd_, random_);
  }
  // Lets both sides go on until the channel is open or has failed; `behind` follows the upgrade.
  step open(const std::string& behind = "") {
    for (int i = 0; i < 20; ++i) {
      const step s = channel_->open();
      if (s == step::done || s == step::failed) return s;
      const std::string got = peer_->read_all();
      if (got.find("\r\n\r\n") != std::string::npos) peer_->write(answer_to(got) + behind);
    }
    return step::wants_read;
  }
  // As the server has to frame it.
  std::string framed(const std::string& s) const {
    if (!GetParam().websocket) return s;
    std::string f = "\x82";
    if (s.size() < 126) return f + char(s.size()) + s;
    f += char(127);
    for (int i = 7; i >= 0; --i) f += char(uint64_t(s.size()) >> (8 * i));
    return f + s;
  }
  std::string unframed(std::string s) const {
    if (!GetParam().websocket) return s;
    std::string payload;
    while (!s.empty()) {
      const uint8_t length = uint8_t(s[1]) & 127;
      size_t at = 2, size = length;
      const size_t extra = length == 126 ? 2 : length == 127 ? 8 : 0;
      if (extra) size = 0;
      for (size_t i = 0; i < extra; ++i) size = size << 8 | uint8_t(s[at++]);
      for (size_t i = 0; i < size; ++i) payload += char(s[at + 4 + i] ^ s[at + i % 4]);
      s.erase(0, at + 4 + size);
    }
    return payload;
  }

  websocket_client::random_source random_{7};
  endpoint to_;
  int fd_ = -1;
  std::unique_ptr<peer> peer_;
  std::shared_ptr<const tls_context> context_;
  std::unique_ptr<channel> channel_;
};

class WebsocketChannel : public Channel {};
class TlsChannel : public Channel {};

constexpr transport tls{"tls", true, false}, websocket{"websocket", false, true},
    websocket_in_tls{"websocket_in_tls", true, true};
const auto name_of = [](const auto& i) { return i.param.name; };
INSTANTIATE_TEST_SUITE_P(Transports, Channel, ::testing::Values(tls, websocket, websocket_in_tls),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Transports, WebsocketChannel,
                         ::testing::Values(websocket, websocket_in_tls), name_of);
INSTANTIATE_TEST_SUITE_P(Transports, TlsChannel, ::testing::Values(tls, websocket_in_tls), name_of);

TEST_P(Channel, CarriesBytesBothWays) {
  make(true);
  ASSERT_EQ(open(), step::done) << channel_->why();
  EXPECT_EQ(channel_->write("hello", 5), 5);
  EXPECT_EQ(unframed(peer_->read_all()), "hello");
  char buffer[100];
  EXPECT_EQ(channel_->read(buffer, sizeof buffer), -1);
  EXPECT_EQ(errno, EAGAIN);
  peer_->write(framed("welcome"));
  EXPECT_EQ(channel_->read(buffer, sizeof buffer), 7);
  EXPECT_EQ(std::string(buffer, 7), "welcome");
}

// More than the socket holds: all of it arrives, in order, and the channel says when it waits.
TEST_P(Channel, SendsMoreThanTheSocketHolds) {
  make(true);
  ASSERT_EQ(open(), step::done);
  std::string all(3'000'000, 'x');
  std::mt19937 bytes(99);
  for (char& c : all) c = char(bytes());
  std::string got;
  size_t sent = 0;
  bool waited = false;
  for (int i = 0; i < 10'000 && (sent < all.size() || channel_->unsent()); ++i) {
    const long n = channel_->write(all.data() + sent, std::min<size_t>(all.size() - sent, 500'000));
    if (n >= 0) {
      sent += size_t(n);
    } else {
      ASSERT_EQ(errno, EAGAIN);
      waited = true;
      got += peer_->read_all();
    }
  }
  got += peer_->read_all();
  EXPECT_TRUE(waited);
  EXPECT_TRUE(unframed(got) == all);
}

// With little room nothing may be left where no event tells of it.
TEST_P(Channel, ReadsALotThroughALittleRoom) {
  make(true);
  ASSERT_EQ(open(), step::done);
  std::string all(2'000'000, ' ');
  for (size_t i = 0; i < all.size(); ++i) all[i] = char(i * 31 >> 3);
  const std::string wire = framed(all);
  std::string got;
  char buffer[1000];
  for (size_t sent = 0; sent < wire.size();) {
    sent += peer_->write(std::string_view(wire).substr(sent));
    do {
      long n;
      while ((n = channel_->read(buffer, sizeof buffer)) > 0) {
        got.append(buffer, size_t(n));
        if (n < long(sizeof buffer) && !channel_->holds_more()) break;
      }
    } while (channel_->holds_more());
  }
  for (long n; (n = channel_->read(buffer, sizeof buffer)) > 0;) got.append(buffer, size_t(n));
  EXPECT_EQ(got.size(), all.size());
  EXPECT_TRUE(got == all);
}

TEST_P(WebsocketChannel, TakesWhatCameBehindTheUpgrade) {
  make(true);
  ASSERT_EQ(open(framed("early")), step::done);
  char buffer[100];
  EXPECT_EQ(channel_->read(buffer, sizeof buffer), 5);
  EXPECT_EQ(std::string(buffer, 5), "early");
}

TEST_P(WebsocketChannel, AnswersAPing) {
  make(true);
  ASSERT_EQ(open(), step::done);
  peer_->write(std::string("\x89\x02hi", 4));
  char buffer[100];
  EXPECT_EQ(channel_->read(buffer, sizeof buffer), -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_TRUE(channel_->unsent());
  EXPECT_EQ(channel_->write(nullptr, 0), 0);
  EXPECT_FALSE(channel_->unsent());
  const std::string pong = peer_->read_all();
  ASSERT_EQ(pong.size(), 8u);
  EXPECT_EQ(uint8_t(pong[0]), 0x8A);
}

TEST_P(Channel, EndsWithThePeer) {
  make(true);
  ASSERT_EQ(open(), step::done);
  peer_->read_all();  // else its end is a reset
  peer_.reset();
  char buffer[100];
  EXPECT_EQ(channel_->read(buffer, sizeof buffer), 0);
}

TEST_P(TlsChannel, RefusesACertificateThatNobodyVouchesFor) {
  make(false);
  EXPECT_EQ(open(), step::failed);
  EXPECT_NE(channel_->why().find("self-signed"), std::string::npos) << channel_->why();
  EXPECT_NE(channel_->why().find("--insecure"), std::string::npos);
}

}  // namespace
}  // namespace dunlin::load
