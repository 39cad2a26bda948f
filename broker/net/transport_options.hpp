// How a listener carries MQTT: TLS, WebSocket and the PROXY protocol, as the configuration says.
//
// Plain values; made by broker/config/listener_options, used by broker/net/transport and
// tls_context.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace dunlin::net {

struct tls_options {
  enum class client_certificate : uint8_t { none, optional, required };
  // What of the client's certificate becomes its user name.
  enum class user_name_from : uint8_t { none, cn, dn, san_dns, san_email, san_uri };

  struct host_certificate {
    std::string host;  // "mqtt.example.org", "*.example.org"
    std::string certificate, key, passphrase;
    bool operator==(const host_certificate&) const = default;
  };

  std::string certificate, key, passphrase;  // PEM files; the certificate with its chain
  std::string ca, crl;                       // PEM files, for clients' certificates; empty: none
  client_certificate client = client_certificate::none;
  user_name_from user_name = user_name_from::none;
  bool tls1_3_only = false;
  std::string ciphers, cipher_suites;  // OpenSSL lists for 1.2 and 1.3; empty: OpenSSL's defaults
  std::vector<host_certificate> sni;
  bool operator==(const tls_options&) const = default;
};

enum class transport_kind : uint8_t { tcp, tls, websocket, websocket_tls, unix_socket };

struct transport_options {
  transport_kind kind = transport_kind::tcp;
  bool proxy_protocol = false;
  std::string path = "/mqtt";      // websocket
  uint32_t mode = 0660;            // of the file of a unix socket
  std::optional<tls_options> tls;  // tls, websocket_tls
  bool operator==(const transport_options&) const = default;
};

constexpr const char* to_string(transport_kind k) {
  switch (k) {
    case transport_kind::tls:
      return "tls";
    case transport_kind::websocket:
      return "websocket";
    case transport_kind::websocket_tls:
      return "websocket_tls";
    case transport_kind::unix_socket:
      return "unix";
    case transport_kind::tcp:
      break;
  }
  return "tcp";
}

}  // namespace dunlin::net
