// The client's side of TLS: one context for a run, one stream on a connected, non-blocking socket
// for each client.
//
// Used by options.hpp (the context: files are read once, and faults told before anything starts)
// and channel.hpp (the streams). OpenSSL reads and writes the socket itself.
//   auto context = tls_context::make({.ca = "ca.pem"}, wrong);
//   tls_stream s(*context, fd, "localhost");  s.handshake();  s.read(buffer, size);
#pragma once

#include <cstddef>
#include <memory>
#include <string>

struct ssl_ctx_st;
struct ssl_st;

namespace dunlin::load {

struct tls_files {
  std::string ca;         // trusted certificates, PEM; empty: the system's
  std::string cert, key;  // the client's own, PEM; empty: none
  bool insecure = false;  // any server's certificate will do
};

class tls_context {
 public:
  // Null, and what is wrong, when a file cannot be used.
  static std::shared_ptr<const tls_context> make(const tls_files& files, std::string& wrong);
  ~tls_context();
  tls_context(const tls_context&) = delete;
  tls_context& operator=(const tls_context&) = delete;

  ssl_ctx_st* get() const { return context_; }
  bool insecure() const { return insecure_; }

 private:
  explicit tls_context(ssl_ctx_st* c) : context_(c) {}
  ssl_ctx_st* context_;
  bool insecure_ = false;
};

// How a step on a non-blocking socket ended.
enum class step { done, wants_read, wants_write, failed };

class tls_stream {
 public:
  // The certificate must be for `host`, a name or an address.
  tls_stream(const tls_context& context, int fd, const std::string& host);
  ~tls_stream();
  tls_stream(const tls_stream&) = delete;
  tls_stream& operator=(const tls_stream&) = delete;

  step handshake();
  // As recv and send: bytes, 0 at the end of the stream, -1 with errno (EAGAIN: later). A read goes
  // on until the socket is empty or there is no more room; then holds_more().
  long read(char* into, size_t max);
  long write(const char* from, size_t size);
  // The room of the last read was not enough: no event will tell of the rest.
  bool holds_more() const { return full_; }
  const std::string& why() const { return why_; }

 private:
  step failed();

  ssl_st* ssl_;
  bool full_ = false;
  std::string why_;
};

}  // namespace dunlin::load
