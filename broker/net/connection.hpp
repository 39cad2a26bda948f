// A client's network connection: bytes in to a consumer, bytes out from a buffer that is flushed
// once a turn.
//
// Belongs to one reactor and is used on its thread alone; only the reference count may be touched
// from elsewhere, and reactor() until its consumer is a session: that may take it to another one.
// The transport (TCP here) is a subclass; tests have one in memory. The consumer is the handshake
// first, then the session.   c->out() += packet; c->changed();   ... c->close();
#pragma once

#include <caf/intrusive_ptr.hpp>
#include <caf/ref_counted.hpp>

#include <cstddef>
#include <string>
#include <string_view>

#include "broker/net/reactor.hpp"

namespace dunlin::net {

class consumer {
 public:
  // Takes whole packets from the front of `bytes` and says how many bytes they were; the rest comes
  // again with more.
  virtual size_t consume(std::string_view bytes) = 0;
  // The peer closed or the transport failed; the connection is closed. Not called after
  // connection::close().
  virtual void on_closed() = 0;
  // Unsent output has fallen to low_mark (see notify_when_drained) or below.
  virtual void on_drained() = 0;

 protected:
  ~consumer() = default;
};

class connection : public caf::ref_counted {
 public:
  connection(net::reactor& r, std::string peer);

  // Unique in this process; what events and logs call the channel.
  uint64_t id() const { return id_; }

  net::reactor& reactor() { return *reactor_; }
  const std::string& peer() const { return peer_; }  // address:port
  bool closed() const { return closed_; }

  // What the client's certificate gives as its user name, where the listener asks for that; empty:
  // nothing.
  virtual std::string certificate_user() const { return {}; }
  virtual std::string_view tls_version() const { return {}; }  // "TLSv1.3"; empty: no TLS

  // Gives the bytes to another consumer from here on, beginning with what is already there.
  void set_consumer(consumer* c) { consumer_ = c; }
  void start_reading();
  void pause_reading() { paused_ = true; }

  // Counts it there until it closes; `open` outlives it.
  void count_in(std::atomic<int64_t>& open) {
    open_ = &open;
    open.fetch_add(1, std::memory_order_relaxed);
  }

  // Append here, then say so.
  std::string& out() {
    if (out_.empty() && out_.capacity() <= small_string) out_ = reactor_->take_buffer();
    return out_;
  }
  void changed() {
    if (flush_queued_ || blocked_ || closed_) return;
    flush_queued_ = true;
    reactor_->flush_later(*this);
  }
  size_t unsent() const { return out_.size() - sent_; }
  // Asks for one on_drained() when unsent() has come down to `low_mark`.
  void notify_when_drained(size_t low_mark) {
    low_mark_ = low_mark;
    notify_ = true;
  }

  // Leaves its reactor, on that one's thread and in no call from it; nothing comes from it and
  // nothing is sent until it has arrived at another, on that one's thread.
  void leave();
  void arrive(net::reactor& r);

  // Sends what is there if the peer takes it at once, then closes. No call to the consumer follows.
  void close();

  // From the reactor.
  void read_now();
  void flush_now();

  uint64_t bytes_out() const { return bytes_out_; }  // that the transport has taken so far

 protected:
  static constexpr long would_block = -1, failed = -2;

  ~connection() override = default;

  // Bytes moved, 0 at the end of the stream (read), would_block or failed.
  virtual long read_some(char* into, size_t max) = 0;
  virtual long write_some(const char* from, size_t size) = 0;
  virtual void close_transport() = 0;
  // The reactor's look at the transport begins and ends: when the connection comes or goes.
  virtual void watch_transport() {}
  virtual void unwatch_transport() {}

  // For layered transports: the address that a proxy told, and whether a read that fills less than
  // its room has emptied the transport.
  void set_peer(std::string peer) { peer_ = std::move(peer); }
  void set_emptied(bool e) { short_read_empties_ = e; }

  void readable(bool hang_up) {
    if (hang_up) hang_up_ = true;
    readable_ = true;
    read_now();
  }
  void writable() {
    if (!blocked_) return;
    blocked_ = false;
    flush_now();
  }

 private:
  static constexpr size_t small_string = 15;
  static constexpr size_t output_kept_max =
      64 << 10;  // sent bytes in front that are not moved away yet

  void take(std::string_view bytes);
  void lost();
  void sent_all();
  void release();

  net::reactor* reactor_;
  const uint64_t id_;
  consumer* consumer_ = nullptr;
  std::atomic<int64_t>* open_ = nullptr;  // of its listener
  std::string peer_;
  std::string partial_;  // what the consumer did not take
  std::string out_;
  size_t sent_ = 0;
  size_t low_mark_ = 0;
  uint64_t bytes_out_ = 0;
  bool short_read_empties_ = true;
  bool readable_ = false, paused_ = true, hang_up_ = false, reading_ = false;
  bool blocked_ = false, flush_queued_ = false, read_queued_ = false, closed_ = false,
       notify_ = false;
};

using connection_ptr = caf::intrusive_ptr<connection>;

}  // namespace dunlin::net
