// TLS on a socket, by OpenSSL directly on the descriptor: its answers are would_block's.
//
// Used by transport.cpp. The handshake runs within the first reads. SSL keeps its own buffers only
// while there is something in them.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "broker/net/byte_stream.hpp"
#include "broker/net/tls_context.hpp"

namespace dunlin::net {

// Why a handshake failed.
enum class tls_failure : uint8_t {
  closed,       // the peer went away
  not_tls,      // plain MQTT, HTTP or noise
  version,      // TLS 1.1 or older
  cipher,       // nothing in common
  certificate,  // the client's was refused, or there is none
  refused,      // the client refused ours
  other,
};
inline constexpr size_t tls_failures = 7;
constexpr const char* to_string(tls_failure f) {
  constexpr const char* names[] = {"closed",      "not_tls", "version", "cipher",
                                   "certificate", "refused", "other"};
  return names[static_cast<size_t>(f)];
}

class tls_stream final : public byte_stream {
 public:
  // Told once, with OpenSSL's words, when the handshake fails.
  using handshake_failed = void (*)(void* context, tls_failure why, const char* text);

  tls_stream(int fd, tls_material_ptr material, handshake_failed on_failed, void* context);
  ~tls_stream() override { close(); }

  long read_some(char* into, size_t max) override;
  long write_some(const char* from, size_t size) override;
  bool emptied() const override { return emptied_; }
  void close() override;

  // Of the client's certificate, once the handshake is done; empty: it has none, or not that.
  std::string user_name(tls_options::user_name_from from) const;
  const char* version() const { return SSL_get_version(ssl_.get()); }

 private:
  struct ssl_free {
    void operator()(SSL* s) const { SSL_free(s); }
  };
  long fault(int ssl_error);
  void handshake_ended_badly(bool by_peer);

  int fd_;
  tls_material_ptr material_;  // the host name callback looks into it
  std::unique_ptr<SSL, ssl_free> ssl_;
  handshake_failed on_failed_;
  void* context_;
  bool broken_ = false, emptied_ = false;
};

// Of a certificate. A name with a zero byte is no name.
std::string certificate_user_name(X509* certificate, tls_options::user_name_from from);

}  // namespace dunlin::net
