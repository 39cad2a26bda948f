#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <string>

#include "broker/net/tls_context.hpp"
#include "broker/net/tls_stream.hpp"

namespace dunlin::net {
namespace {

// A certificate that signs itself, in two files.
class self_signed {
 public:
  explicit self_signed(const std::string& name, const std::string& cn, const char* san = nullptr)
      : certificate(::testing::TempDir() + name + ".pem"),
        key(::testing::TempDir() + name + ".key") {
    EVP_PKEY* pkey = EVP_EC_gen("prime256v1");
    x = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), 0);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, pkey);
    X509_NAME* subject = X509_get_subject_name(x);
    const auto add = [&](const char* field, const std::string& text) {
      X509_NAME_add_entry_by_txt(subject, field, MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(text.data()),
                                 static_cast<int>(text.size()), -1, 0);
    };
    add("O", "Example");
    add("CN", cn);
    X509_set_issuer_name(x, subject);
    if (san) {
      X509_EXTENSION* e = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, san);
      X509_add_ext(x, e, -1);
      X509_EXTENSION_free(e);
    }
    X509_sign(x, pkey, EVP_sha256());
    std::FILE* f = std::fopen(certificate.c_str(), "w");
    PEM_write_X509(f, x);
    std::fclose(f);
    f = std::fopen(key.c_str(), "w");
    PEM_write_PrivateKey(f, pkey, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(f);
    EVP_PKEY_free(pkey);
  }
  ~self_signed() { X509_free(x); }

  std::string certificate, key;
  X509* x;
};

tls_options options_of(const self_signed& s) {
  tls_options o;
  o.certificate = s.certificate;
  o.key = s.key;
  return o;
}

// A client over one end of a socket pair, the stream over the other.
class TlsStream : public ::testing::Test {
 protected:
  TlsStream() {
    std::signal(SIGPIPE, SIG_IGN);  // as the node does: OpenSSL writes without MSG_NOSIGNAL
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    std::vector<tls_fault> wrong;
    server_ = std::make_unique<tls_stream>(
        fds[0], load_tls(options_of(certificate_), wrong),
        [](void* self, tls_failure why, const char*) {
          static_cast<TlsStream*>(self)->failures_.push_back(why);
        },
        this);
    client_fd_ = fds[1];
    context_ = SSL_CTX_new(TLS_client_method());
    client_ = SSL_new(context_);
    SSL_set_fd(client_, client_fd_);
    SSL_set_connect_state(client_);
  }
  ~TlsStream() override {
    SSL_free(client_);
    SSL_CTX_free(context_);
    if (client_fd_ >= 0) ::close(client_fd_);
  }
  void shake_hands() {
    for (int i = 0; i < 10 && SSL_do_handshake(client_) != 1; ++i) {
      char c;
      EXPECT_EQ(server_->read_some(&c, 1), byte_stream::would_block);
      EXPECT_TRUE(server_->emptied());
    }
    ASSERT_TRUE(SSL_is_init_finished(client_));
  }

  self_signed certificate_{"stream", "localhost"};
  std::unique_ptr<tls_stream> server_;
  std::vector<tls_failure> failures_;
  SSL_CTX* context_;
  SSL* client_;
  int client_fd_;
};

TEST_F(TlsStream, BytesPassBothWaysInAnyPieces) {
  shake_hands();
  std::string sent(300'000, '\0'), got;
  for (size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i * 7 >> 3);
  // To the server, until nothing moves.
  for (size_t at = 0; got.size() < sent.size();) {
    size_t n = 0;
    if (at < sent.size() &&
        SSL_write_ex(client_, sent.data() + at, std::min<size_t>(9'000, sent.size() - at), &n))
      at += n;
    char piece[5'000];
    for (long r; (r = server_->read_some(piece, sizeof piece)) > 0;)
      got.append(piece, static_cast<size_t>(r));
    ASSERT_TRUE(server_->emptied());
  }
  EXPECT_EQ(got, sent);
  // To the client, which reads only when the socket is full; what is written again may be longer.
  got.clear();
  bool blocked = false;
  for (size_t at = 0; got.size() < sent.size();) {
    if (at < sent.size()) {
      const long r = server_->write_some(sent.data() + at, sent.size() - at);
      if (r > 0) at += static_cast<size_t>(r);
      blocked = blocked || r == byte_stream::would_block;
    }
    char piece[4'000];
    size_t n = 0;
    if (SSL_read_ex(client_, piece, sizeof piece, &n)) got.append(piece, n);
  }
  EXPECT_EQ(got, sent);
  EXPECT_TRUE(blocked);
  EXPECT_TRUE(failures_.empty());
  EXPECT_STREQ(server_->version(), "TLSv1.3");
}

TEST_F(TlsStream, AShortReadThatFillsItsRoomIsNotTheEnd) {
  shake_hands();
  size_t n = 0;
  ASSERT_EQ(SSL_write_ex(client_, "abcdef", 6, &n), 1);
  char piece[3];
  EXPECT_EQ(server_->read_some(piece, 3), 3);
  EXPECT_FALSE(server_->emptied());  // the rest is in OpenSSL, and no event will tell
  EXPECT_EQ(server_->read_some(piece, 3), 3);
  EXPECT_EQ(server_->read_some(piece, 3), byte_stream::would_block);
}

TEST_F(TlsStream, CloseNotifyIsTheEndBothWays) {
  shake_hands();
  SSL_shutdown(client_);
  char c;
  EXPECT_EQ(server_->read_some(&c, 1), 0);
  server_->close();
  EXPECT_EQ(SSL_read(client_, &c, 1), 0);
  EXPECT_EQ(SSL_get_error(client_, 0), SSL_ERROR_ZERO_RETURN);
}

TEST_F(TlsStream, PlainBytesAreToldAsSuch) {
  const std::string connect("\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00", 14);
  ASSERT_EQ(::send(client_fd_, connect.data(), connect.size(), 0), 14);
  char c;
  EXPECT_EQ(server_->read_some(&c, 1), byte_stream::failed);
  EXPECT_EQ(server_->read_some(&c, 1), byte_stream::failed);
  ASSERT_EQ(failures_.size(), 1u);
  EXPECT_EQ(failures_[0], tls_failure::not_tls);
}

TEST_F(TlsStream, APeerThatLeavesInTheHandshakeIsCounted) {
  ::close(std::exchange(client_fd_, -1));
  char c;
  EXPECT_LE(server_->read_some(&c, 1), 0);
  EXPECT_EQ(failures_, std::vector{tls_failure::closed});
}

TEST(CertificateUserName, IsWhatTheListenerAsksFor) {
  using from = tls_options::user_name_from;
  const self_signed s("names", "d\xC3\xA9vice", "DNS:a.b,DNS:c.d,email:x@y,URI:urn:z");
  EXPECT_EQ(certificate_user_name(s.x, from::none), "");
  EXPECT_EQ(certificate_user_name(s.x, from::cn), "d\xC3\xA9vice");
  EXPECT_EQ(certificate_user_name(s.x, from::dn), "CN=d\xC3\xA9vice,O=Example");
  EXPECT_EQ(certificate_user_name(s.x, from::san_dns), "a.b");
  EXPECT_EQ(certificate_user_name(s.x, from::san_email), "x@y");
  EXPECT_EQ(certificate_user_name(s.x, from::san_uri), "urn:z");
  const self_signed zero("zero", std::string("admin\0x", 7));
  EXPECT_EQ(certificate_user_name(zero.x, from::cn), "");
  EXPECT_EQ(certificate_user_name(zero.x, from::san_dns), "");
}

TEST(TlsContext, EveryFaultNamesItsKey) {
  const self_signed a("fault-a", "a"), b("fault-b", "b");
  tls_options o = options_of(a);
  o.key = b.key;
  o.client = tls_options::client_certificate::required;
  o.sni = {{"x", "/none.pem", a.key, ""}};
  std::vector<tls_fault> wrong;
  EXPECT_EQ(load_tls(o, wrong), nullptr);
  std::vector<std::string> keys;
  for (const auto& f : wrong) keys.push_back(f.key);
  EXPECT_EQ(keys, (std::vector<std::string>{"key", "ca", "sni.0.certificate"}));
}

TEST(TlsContext, TheHostChoosesTheCertificate) {
  const self_signed a("host-a", "a"), b("host-b", "b"), c("host-c", "c");
  tls_options o = options_of(a);
  o.sni = {{"*.example.org", b.certificate, b.key, ""},
           {"one.example.org", c.certificate, c.key, ""}};
  std::vector<tls_fault> wrong;
  const auto m = load_tls(o, wrong);
  ASSERT_TRUE(m);
  EXPECT_EQ(m->for_host("one.example.org"), m->by_host[1].second.get());
  EXPECT_EQ(m->for_host("TWO.example.ORG"), m->by_host[0].second.get());
  for (const char* other : {"example.org", ".example.org", "a.b.example.org", "x", ""})
    EXPECT_EQ(m->for_host(other), m->standard.get()) << other;
}

TEST(TlsContext, ABrokenFileLeavesTheFormerInUse) {
  const self_signed s("reload", "first");
  std::vector<tls_fault> wrong;
  tls_context context(options_of(s), load_tls(options_of(s), wrong));
  const auto first = context.now();
  EXPECT_FALSE(context.files_changed());
  std::ofstream(s.certificate) << "nonsense";
  EXPECT_FALSE(context.files_changed());  // not settled yet
  EXPECT_TRUE(context.files_changed());
  EXPECT_FALSE(context.reload(wrong));
  EXPECT_EQ(wrong.size(), 1u);
  EXPECT_EQ(context.now(), first);
  EXPECT_FALSE(context.files_changed());  // told once
  const self_signed again("reload", "second");
  wrong.clear();
  EXPECT_TRUE(context.reload(wrong));
  EXPECT_EQ(context.now()->subject, "CN=second,O=Example");
}

}  // namespace
}  // namespace dunlin::net
