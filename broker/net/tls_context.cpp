#include "broker/net/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <strings.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>

namespace dunlin::net {
namespace {

struct bio_free {
  void operator()(BIO* b) const { BIO_free(b); }
};
using bio_ptr = std::unique_ptr<BIO, bio_free>;

struct password {
  const std::string& text;
  bool asked = false;
};

int give_password(char* buffer, int size, int, void* context) {
  auto& p = *static_cast<password*>(context);
  p.asked = true;
  const int n = static_cast<int>(std::min<size_t>(static_cast<size_t>(size), p.text.size()));
  std::memcpy(buffer, p.text.data(), static_cast<size_t>(n));
  return n > 0 ? n : -1;
}

std::string last_error() {
  const unsigned long e = ERR_peek_last_error();
  const char* why = ERR_reason_error_string(e);
  ERR_clear_error();
  return why ? why : "unknown error";
}

int host_name(SSL* ssl, int*, void* context) {
  const auto* m = static_cast<const tls_material*>(context);
  const char* host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (host == nullptr) return SSL_TLSEXT_ERR_NOACK;
  if (SSL_CTX* c = m->for_host(host); c != SSL_get_SSL_CTX(ssl)) SSL_set_SSL_CTX(ssl, c);
  return SSL_TLSEXT_ERR_OK;
}

bool matches(std::string_view pattern, std::string_view host) {
  if (pattern.starts_with("*.")) {
    const size_t dot = host.find('.');
    if (dot == std::string_view::npos || dot == 0) return false;
    host = host.substr(dot);
    pattern = pattern.substr(1);
  }
  return pattern.size() == host.size() &&
         ::strncasecmp(pattern.data(), host.data(), host.size()) == 0;
}

// Builds contexts; every fault is noted, so that one check shows them all.
class loader {
 public:
  loader(const tls_options& o, std::vector<tls_fault>& wrong) : o_(o), wrong_(wrong) {}

  std::shared_ptr<tls_material> load() {
    const size_t before = wrong_.size();
    auto m = std::make_shared<tls_material>();
    m->standard = make("", o_.certificate, o_.key, o_.passphrase);
    for (size_t i = 0; i < o_.sni.size(); ++i) {
      const auto& s = o_.sni[i];
      m->by_host.emplace_back(
          s.host, make("sni." + std::to_string(i) + ".", s.certificate, s.key, s.passphrase));
    }
    if (wrong_.size() != before) return nullptr;
    describe(*m);
    SSL_CTX_set_tlsext_servername_callback(m->standard.get(), host_name);
    SSL_CTX_set_tlsext_servername_arg(m->standard.get(), m.get());
    return m;
  }

 private:
  void fault(const std::string& key, std::string what, std::string hint) {
    wrong_.push_back({key, std::move(what), std::move(hint)});
    ERR_clear_error();
  }

  bool readable(const std::string& key, const std::string& file, const char* what) {
    if (file.empty()) {
      fault(key, std::string("a TLS listener needs ") + what, "name a PEM file");
      return false;
    }
    if (std::FILE* f = std::fopen(file.c_str(), "re")) {
      struct stat s {};
      const bool folder = ::fstat(::fileno(f), &s) == 0 && S_ISDIR(s.st_mode);
      std::fclose(f);
      if (!folder) return true;
      fault(key, file + " is a directory", "name a PEM file");
      return false;
    }
    fault(key, file + " cannot be read: " + std::strerror(errno),
          "give the path of a PEM file that this process may read");
    return false;
  }

  ssl_ctx_ptr make(const std::string& in, const std::string& certificate, const std::string& key,
                   const std::string& passphrase) {
    ERR_clear_error();
    ssl_ctx_ptr c(SSL_CTX_new(TLS_server_method()));
    if (!c) {
      fault(in + "certificate", "OpenSSL: " + last_error(), "");
      return nullptr;
    }
    settings(*c);
    certificate_and_key(*c, in, certificate, key, passphrase);
    protocol_lists(*c, in.empty());
    clients(*c, in.empty());
    return c;
  }

  void settings(SSL_CTX& c) const {
    SSL_CTX_set_min_proto_version(&c, o_.tls1_3_only ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_options(&c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF |
                                SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(&c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                             SSL_MODE_RELEASE_BUFFERS);
    // One recv takes several records.
    constexpr size_t read_buffer_bytes = 64 << 10;
    SSL_CTX_set_read_ahead(&c, 1);
    SSL_CTX_set_default_read_buffer_len(&c, read_buffer_bytes);
    // Resumption by tickets alone: no memory here, and a reload makes new keys, so that a ticket
    // never outlives the CA and CRL that its certificate was checked against.
    SSL_CTX_set_session_cache_mode(&c, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(&c, 1);
    constexpr unsigned char id[] = "dunlin";
    SSL_CTX_set_session_id_context(&c, id, sizeof id - 1);
    SSL_CTX_set_dh_auto(&c, 1);
  }

  void certificate_and_key(SSL_CTX& c, const std::string& in, const std::string& certificate,
                           const std::string& key, const std::string& passphrase) {
    const bool has_certificate = readable(in + "certificate", certificate, "a certificate");
    const bool has_key = readable(in + "key", key, "a key");
    bool good = has_certificate;
    if (has_certificate && SSL_CTX_use_certificate_chain_file(&c, certificate.c_str()) != 1) {
      fault(in + "certificate", certificate + " holds no usable certificate: " + last_error(),
            "PEM: the server's certificate first, then its intermediates");
      good = false;
    }
    if (!has_key) return;
    password p{passphrase};
    SSL_CTX_set_default_passwd_cb(&c, give_password);
    SSL_CTX_set_default_passwd_cb_userdata(&c, &p);
    const bool used = SSL_CTX_use_PrivateKey_file(&c, key.c_str(), SSL_FILETYPE_PEM) == 1;
    SSL_CTX_set_default_passwd_cb_userdata(&c, nullptr);
    SSL_CTX_set_default_passwd_cb(&c, nullptr);
    if (used) {
      if (good && SSL_CTX_check_private_key(&c) != 1)
        fault(in + "key", key + " is not the key of " + certificate,
              "give the key that the certificate was made for");
      return;
    }
    if (p.asked && passphrase.empty())
      fault(in + "key", key + " is encrypted", "set passphrase, or give an unencrypted key");
    else if (p.asked)
      fault(in + "passphrase", "does not open " + key + ": " + last_error(),
            "check the passphrase");
    else if (ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH)
      fault(in + "key", key + " is not the key of " + certificate,
            "give the key that the certificate was made for");
    else
      fault(in + "key", key + " holds no usable key: " + last_error(), "PEM: PRIVATE KEY");
  }

  void protocol_lists(SSL_CTX& c, bool tell) {
    const bool good = o_.ciphers.empty() || SSL_CTX_set_cipher_list(&c, o_.ciphers.c_str()) == 1;
    if (!good && tell)
      fault("ciphers", '"' + o_.ciphers + "\": " + last_error(), "see: openssl ciphers -v");
    if (!o_.cipher_suites.empty() && SSL_CTX_set_ciphersuites(&c, o_.cipher_suites.c_str()) != 1 &&
        tell)
      fault("cipher_suites", '"' + o_.cipher_suites + "\": " + last_error(),
            "for example \"TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256\"");
  }

  void clients(SSL_CTX& c, bool tell) {
    using mode = tls_options::client_certificate;
    if (o_.client == mode::none) return;
    SSL_CTX_set_verify(&c,
                       o_.client == mode::required
                           ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
                           : SSL_VERIFY_PEER,
                       nullptr);
    if (o_.ca.empty()) {
      if (tell) fault("ca", "is needed to check clients' certificates", "name a PEM file");
      return;
    }
    const size_t before = wrong_.size();
    load_authorities(c);
    if (!tell) wrong_.resize(before);  // told for the standard context
  }

  void load_authorities(SSL_CTX& c) {
    if (!readable("ca", o_.ca, "a CA")) return;
    auto* names = SSL_load_client_CA_file(o_.ca.c_str());
    if (names == nullptr || SSL_CTX_load_verify_file(&c, o_.ca.c_str()) != 1) {
      sk_X509_NAME_pop_free(names, X509_NAME_free);
      return fault("ca", o_.ca + " holds no usable certificate: " + last_error(),
                   "PEM: the certificates that sign clients' certificates");
    }
    SSL_CTX_set_client_CA_list(&c, names);
    if (o_.crl.empty() || !readable("crl", o_.crl, "a CRL")) return;
    X509_STORE* store = SSL_CTX_get_cert_store(&c);
    X509_LOOKUP* lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
    if (lookup == nullptr || X509_load_crl_file(lookup, o_.crl.c_str(), X509_FILETYPE_PEM) < 1)
      return fault("crl", o_.crl + " holds no usable list: " + last_error(),
                   "PEM: X509 CRL, one for each CA");
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
  }

  static void describe(tls_material& m) {
    X509* x = SSL_CTX_get0_certificate(m.standard.get());
    bio_ptr b(BIO_new(BIO_s_mem()));
    X509_NAME_print_ex(b.get(), X509_get_subject_name(x), 0, XN_FLAG_RFC2253);
    char* text = nullptr;
    if (const long n = BIO_get_mem_data(b.get(), &text); n > 0)
      m.subject.assign(text, static_cast<size_t>(n));
    const ASN1_TIME* end = X509_get0_notAfter(x);
    std::tm t{};
    if (ASN1_TIME_to_tm(end, &t) == 1) {
      m.expires_s = ::timegm(&t);
      char day[32];
      std::strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%SZ", &t);
      m.not_after = day;
    }
  }

  const tls_options& o_;
  std::vector<tls_fault>& wrong_;
};

std::string stamp_of(const std::string& file) {
  struct stat s {};
  if (file.empty() || ::stat(file.c_str(), &s) != 0) return "none";
  return std::to_string(s.st_dev) + '/' + std::to_string(s.st_ino) + '/' +
         std::to_string(s.st_size) + '/' + std::to_string(s.st_mtim.tv_sec) + '.' +
         std::to_string(s.st_mtim.tv_nsec);
}

}  // namespace

SSL_CTX* tls_material::for_host(std::string_view host) const {
  for (const auto& [name, context] : by_host)  // a name before a pattern
    if (!name.starts_with('*') && matches(name, host)) return context.get();
  for (const auto& [name, context] : by_host)
    if (matches(name, host)) return context.get();
  return standard.get();
}

tls_material_ptr load_tls(const tls_options& o, std::vector<tls_fault>& wrong) {
  return loader(o, wrong).load();
}

tls_context::tls_context(tls_options o, tls_material_ptr first)
    : options_(std::move(o)), now_(std::move(first)), loaded_(stamps()), last_seen_(loaded_) {}

tls_material_ptr tls_context::now() const {
  std::lock_guard lock(mutex_);
  return now_;
}

bool tls_context::reload(std::vector<tls_fault>& wrong) {
  auto seen = stamps();
  auto fresh = load_tls(options_, wrong);
  std::lock_guard lock(mutex_);
  loaded_ = last_seen_ = std::move(seen);
  if (!fresh) return false;
  now_ = std::move(fresh);
  return true;
}

bool tls_context::files_changed() {
  auto seen = stamps();
  std::lock_guard lock(mutex_);
  const bool settled = seen == last_seen_;
  last_seen_ = std::move(seen);
  return settled && last_seen_ != loaded_;
}

std::vector<std::string> tls_context::stamps() const {
  std::vector<std::string> out;
  for (const auto* f : {&options_.certificate, &options_.key, &options_.ca, &options_.crl})
    out.push_back(stamp_of(*f));
  for (const auto& s : options_.sni) {
    out.push_back(stamp_of(s.certificate));
    out.push_back(stamp_of(s.key));
  }
  return out;
}

}  // namespace dunlin::net
