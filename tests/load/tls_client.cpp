#include "tests/load/tls_client.hpp"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

namespace dunlin::load {
namespace {

constexpr size_t read_ahead_bytes = 64 << 10;  // several records with one system call

std::string last_error() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "unknown";
  char text[256];
  ERR_error_string_n(code, text, sizeof text);
  return text;
}

bool is_address(const std::string& host) {
  unsigned char unused[sizeof(in6_addr)];
  return inet_pton(AF_INET, host.c_str(), unused) == 1 ||
         inet_pton(AF_INET6, host.c_str(), unused) == 1;
}

}  // namespace

std::shared_ptr<const tls_context> tls_context::make(const tls_files& files, std::string& wrong) {
  SSL_CTX* c = SSL_CTX_new(TLS_client_method());
  if (c == nullptr) {
    wrong = "TLS: " + last_error();
    return nullptr;
  }
  std::shared_ptr<tls_context> made(new tls_context(c));
  made->insecure_ = files.insecure;
  SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION);
  // The output buffer may have moved, or grown, when a write is tried again; idle clients hold no
  // buffers.
  SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                          SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_read_ahead(c, 1);
  SSL_CTX_set_default_read_buffer_len(c, read_ahead_bytes);
  SSL_CTX_set_verify(c, files.insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  if (!files.ca.empty()) {
    if (SSL_CTX_load_verify_locations(c, files.ca.c_str(), nullptr) != 1)
      wrong = "--ca " + files.ca + ": " + last_error();
  } else if (!files.insecure) {
    SSL_CTX_set_default_verify_paths(c);
  }
  if (wrong.empty() && !files.cert.empty() &&
      SSL_CTX_use_certificate_chain_file(c, files.cert.c_str()) != 1)
    wrong = "--cert " + files.cert + ": " + last_error();
  if (wrong.empty() && !files.key.empty() &&
      SSL_CTX_use_PrivateKey_file(c, files.key.c_str(), SSL_FILETYPE_PEM) != 1)
    wrong = "--key " + files.key + ": " + last_error();
  return wrong.empty() ? made : nullptr;
}

tls_context::~tls_context() { SSL_CTX_free(context_); }

tls_stream::tls_stream(const tls_context& context, int fd, const std::string& host)
    : ssl_(SSL_new(context.get())) {
  SSL_set_fd(ssl_, fd);
  SSL_set_connect_state(ssl_);
  if (is_address(host)) {
    if (!context.insecure()) X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_), host.c_str());
    return;
  }
  SSL_set_tlsext_host_name(ssl_, host.c_str());
  if (!context.insecure()) SSL_set1_host(ssl_, host.c_str());
}

tls_stream::~tls_stream() { SSL_free(ssl_); }

step tls_stream::handshake() {
  ERR_clear_error();
  const int n = SSL_do_handshake(ssl_);
  if (n == 1) return step::done;
  switch (SSL_get_error(ssl_, n)) {
    case SSL_ERROR_WANT_READ:
      return step::wants_read;
    case SSL_ERROR_WANT_WRITE:
      return step::wants_write;
    case SSL_ERROR_SYSCALL:
      why_ = errno != 0 ? strerror(errno) : "closed by the broker in the TLS handshake";
      return step::failed;
    default:
      return failed();
  }
}

step tls_stream::failed() {
  why_ = "TLS handshake: ";
  const long verdict = SSL_get_verify_result(ssl_);
  why_ += verdict == X509_V_OK ? last_error()
                               : std::string(X509_verify_cert_error_string(verdict)) +
                                     " (--ca, or --insecure to take any certificate)";
  return step::failed;
}

long tls_stream::read(char* into, size_t max) {
  size_t got = 0;
  full_ = false;
  while (got < max) {
    size_t n = 0;
    if (SSL_read_ex(ssl_, into + got, max - got, &n) == 1) {
      got += n;
      continue;
    }
    const int error = SSL_get_error(ssl_, 0);
    if (got > 0) break;  // the end, or a fault, is met again by the next read
    if (error == SSL_ERROR_ZERO_RETURN) return 0;
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
      errno = EAGAIN;
      return -1;
    }
    if (error == SSL_ERROR_SYSCALL && errno != 0) return -1;
    why_ = last_error();
    ERR_clear_error();
    return 0;
  }
  full_ = got == max;
  return long(got);
}

long tls_stream::write(const char* from, size_t size) {
  size_t n = 0;
  if (SSL_write_ex(ssl_, from, size, &n) == 1) return long(n);
  const int error = SSL_get_error(ssl_, 0);
  if (error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ) {
    errno = EAGAIN;
  } else if (error != SSL_ERROR_SYSCALL || errno == 0) {
    why_ = last_error();
    errno = EPIPE;
  }
  return -1;
}

}  // namespace dunlin::load
