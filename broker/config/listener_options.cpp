#include "broker/config/listener_options.hpp"

#include <cstdlib>

namespace dunlin::configuration {
namespace {

using proto::Listener;

net::tls_options to_tls_options(const proto::Tls& t) {
  net::tls_options o;
  o.certificate = t.certificate();
  o.key = t.key();
  o.passphrase = t.passphrase();
  o.ca = t.ca();
  o.crl = t.crl();
  o.client = static_cast<net::tls_options::client_certificate>(t.client_certificate());
  o.user_name = static_cast<net::tls_options::user_name_from>(t.user_name_from());
  o.tls1_3_only = t.version_min() == proto::Tls::TLS1_3;
  o.ciphers = t.ciphers();
  o.cipher_suites = t.cipher_suites();
  for (const auto& s : t.sni())
    o.sni.push_back({s.host(), s.certificate(), s.key(), s.passphrase()});
  return o;
}

// The enums have the same values by the same names.
static_assert(static_cast<int>(net::tls_options::client_certificate::required) ==
              proto::ClientCertificate::REQUIRED);
static_assert(static_cast<int>(net::tls_options::user_name_from::san_uri) ==
              proto::UserName::SAN_URI);
static_assert(static_cast<int>(net::transport_kind::unix_socket) == Listener::UNIX);

}  // namespace

bool has_tls(Listener::Transport t) { return t == Listener::TLS || t == Listener::WEBSOCKET_TLS; }

bool has_websocket(Listener::Transport t) {
  return t == Listener::WEBSOCKET || t == Listener::WEBSOCKET_TLS;
}

net::transport_options to_transport_options(const Listener& l) {
  net::transport_options o;
  o.kind = static_cast<net::transport_kind>(l.transport());
  o.proxy_protocol = l.proxy_protocol() == Listener::ON;
  o.path = l.path();
  o.mode = static_cast<uint32_t>(std::strtoul(l.mode().c_str(), nullptr, 8));
  if (has_tls(l.transport())) o.tls = to_tls_options(l.tls());
  return o;
}

}  // namespace dunlin::configuration
