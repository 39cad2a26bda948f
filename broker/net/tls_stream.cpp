#include "broker/net/tls_stream.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "broker/net/socket_stream.hpp"

namespace dunlin::net {
namespace {

tls_failure classify(unsigned long error) {
  switch (ERR_GET_REASON(error)) {
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_UNEXPECTED_MESSAGE:
    case SSL_R_BAD_PROTOCOL_VERSION_NUMBER:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_ENCRYPTED_LENGTH_TOO_LONG:
    case SSL_R_RECORD_LENGTH_MISMATCH:
      return tls_failure::not_tls;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
      return tls_failure::version;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SHARED_GROUPS:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
      return tls_failure::cipher;
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
    case SSL_R_BAD_SIGNATURE:
      return tls_failure::certificate;
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
      return tls_failure::refused;
    default:
      return tls_failure::other;
  }
}

std::string text_of(const ASN1_STRING* s) {
  unsigned char* utf8 = nullptr;
  const int n = ASN1_STRING_to_UTF8(&utf8, s);
  if (n < 0) return {};
  std::string out(reinterpret_cast<char*>(utf8), static_cast<size_t>(n));
  OPENSSL_free(utf8);
  return out.find('\0') == std::string::npos ? out : std::string();
}

std::string common_name(X509* x) {
  const X509_NAME* subject = X509_get_subject_name(x);
  int last = -1;  // of several, the most specific one
  for (int i = -1; (i = X509_NAME_get_index_by_NID(subject, NID_commonName, i)) >= 0;) last = i;
  if (last < 0) return {};
  return text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last)));
}

std::string distinguished_name(X509* x) {  // RFC 2253: CN=dev1,O=Example
  BIO* b = BIO_new(BIO_s_mem());
  X509_NAME_print_ex(b, X509_get_subject_name(x), 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* text = nullptr;
  const long n = BIO_get_mem_data(b, &text);
  std::string out(text, n > 0 ? static_cast<size_t>(n) : 0);
  BIO_free(b);
  return out;
}

std::string alternative_name(X509* x, int type) {  // the first of its kind
  auto* names =
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(x, NID_subject_alt_name, nullptr, nullptr));
  std::string out;
  for (int i = 0; i < sk_GENERAL_NAME_num(names) && out.empty(); ++i) {
    const GENERAL_NAME* n = sk_GENERAL_NAME_value(names, i);
    if (n->type == type) out = text_of(n->d.ia5);
  }
  GENERAL_NAMES_free(names);
  return out;
}

}  // namespace

std::string certificate_user_name(X509* x, tls_options::user_name_from from) {
  using name = tls_options::user_name_from;
  switch (from) {
    case name::cn:
      return common_name(x);
    case name::dn:
      return distinguished_name(x);
    case name::san_dns:
      return alternative_name(x, GEN_DNS);
    case name::san_email:
      return alternative_name(x, GEN_EMAIL);
    case name::san_uri:
      return alternative_name(x, GEN_URI);
    case name::none:
      break;
  }
  return {};
}

tls_stream::tls_stream(int fd, tls_material_ptr material, handshake_failed on_failed, void* context)
    : fd_(fd),
      material_(std::move(material)),
      ssl_(SSL_new(material_->standard.get())),
      on_failed_(on_failed),
      context_(context) {
  broken_ = !ssl_ || SSL_set_fd(ssl_.get(), fd) != 1;
  if (!broken_) SSL_set_accept_state(ssl_.get());
}

long tls_stream::read_some(char* into, size_t max) {
  if (broken_) return failed;
  size_t got = 0;
  while (got < max) {  // a record holds 16 KiB at most
    size_t n = 0;
    ERR_clear_error();
    if (SSL_read_ex(ssl_.get(), into + got, max - got, &n) == 1) {
      got += n;
      continue;
    }
    const int e = SSL_get_error(ssl_.get(), 0);
    emptied_ = e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE;
    if (got == 0) return fault(e);
    return static_cast<long>(got);  // the end and faults come again at the next read
  }
  emptied_ = false;
  return static_cast<long>(got);
}

long tls_stream::write_some(const char* from, size_t size) {
  if (broken_) return failed;
  size_t done = 0;
  while (done < size) {
    size_t n = 0;
    ERR_clear_error();
    if (SSL_write_ex(ssl_.get(), from + done, size - done, &n) == 1) {
      done += n;
      continue;
    }
    const long f = fault(SSL_get_error(ssl_.get(), 0));
    if (done > 0 && f == would_block) break;
    return f == 0 ? failed : f;
  }
  return static_cast<long>(done);
}

long tls_stream::fault(int ssl_error) {
  switch (ssl_error) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return would_block;
    case SSL_ERROR_ZERO_RETURN:
      if (!SSL_is_init_finished(ssl_.get())) handshake_ended_badly(true);
      return 0;
    default:
      broken_ = true;
      if (!SSL_is_init_finished(ssl_.get()))
        handshake_ended_badly(ssl_error == SSL_ERROR_SYSCALL && ERR_peek_error() == 0);
      ERR_clear_error();
      return failed;
  }
}

void tls_stream::handshake_ended_badly(bool by_peer) {
  broken_ = true;
  const unsigned long e = ERR_peek_error();
  const long verified = SSL_get_verify_result(ssl_.get());
  const char* text = by_peer ? "the peer closed" : ERR_reason_error_string(e);
  if (!by_peer && verified != X509_V_OK) text = X509_verify_cert_error_string(verified);
  on_failed_(context_, by_peer ? tls_failure::closed : classify(e), text ? text : "unknown");
}

void tls_stream::close() {
  if (fd_ < 0) return;
  if (!broken_ && SSL_is_init_finished(ssl_.get())) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());  // close_notify, if the socket takes it
    ERR_clear_error();
  }
  ssl_.reset();
  close_socket(fd_);
  fd_ = -1;
}

std::string tls_stream::user_name(tls_options::user_name_from from) const {
  if (from == tls_options::user_name_from::none || !ssl_) return {};
  X509* x = SSL_get1_peer_certificate(ssl_.get());
  if (x == nullptr) return {};
  // Checked in the handshake; a failed check ends it.
  std::string name = certificate_user_name(x, from);
  X509_free(x);
  return name;
}

}  // namespace dunlin::net
