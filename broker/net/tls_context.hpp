// Certificates, keys, CA and CRL of one listener, loaded from their files and replaced while
// connections use the former ones.
//
// Used by the configuration's check (load alone), transport.cpp and tls_stream.cpp. Any thread.
//   std::vector<tls_fault> wrong;
//   auto material = load_tls(options, wrong);      // null, and what is wrong with which key
//   tls_context context(options, material);  context.now();  context.reload(wrong);
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "broker/net/transport_options.hpp"

namespace dunlin::net {

// What is wrong with the file of one key: "certificate", "sni.1.key".
struct tls_fault {
  std::string key, what, hint;
};
inline std::string to_line(const tls_fault& f) {
  return f.key + ": " + f.what + (f.hint.empty() ? "" : ". Hint: " + f.hint);
}

struct ssl_ctx_free {
  void operator()(SSL_CTX* c) const { SSL_CTX_free(c); }
};
using ssl_ctx_ptr = std::unique_ptr<SSL_CTX, ssl_ctx_free>;

// Everything that a handshake needs, from one reading of the files. Immutable.
struct tls_material {
  ssl_ctx_ptr standard;
  std::vector<std::pair<std::string, ssl_ctx_ptr>> by_host;  // in the order of the configuration
  std::string subject, not_after;                            // of the standard certificate
  int64_t expires_s = 0;                                     // since the epoch

  SSL_CTX* for_host(std::string_view host) const;  // the standard one when none matches
};
using tls_material_ptr = std::shared_ptr<const tls_material>;

tls_material_ptr load_tls(const tls_options& o, std::vector<tls_fault>& wrong);

class tls_context {
 public:
  tls_context(tls_options o, tls_material_ptr first);

  tls_material_ptr now() const;
  const tls_options& options() const { return options_; }
  // Reads the files again; on a fault the material in use stays. Says whether it was replaced.
  bool reload(std::vector<tls_fault>& wrong);
  // Whether a file differs from when it was last loaded or refused, and has been the same for two
  // calls: a certificate and its key are not replaced in one step.
  bool files_changed();

 private:
  std::vector<std::string> stamps() const;

  const tls_options options_;
  mutable std::mutex mutex_;  // of all below
  tls_material_ptr now_;
  std::vector<std::string> loaded_, last_seen_;
};

}  // namespace dunlin::net
