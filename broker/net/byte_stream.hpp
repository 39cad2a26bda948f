// Bytes over a descriptor that does not block: what a connection reads and writes through when it
// is more than a plain socket.
//
// Streams stack: socket_stream or tls_stream at the bottom, websocket_stream on top. Used by
// transport.cpp and by tests, which have one in memory.
#pragma once

#include <cstddef>

namespace dunlin::net {

class byte_stream {
 public:
  static constexpr long would_block = -1, failed = -2;

  virtual ~byte_stream() = default;

  // Bytes moved, 0 at the end of the stream (read), would_block or failed. A read that returns less
  // than its room does not mean that there is no more: only would_block does.
  virtual long read_some(char* into, size_t max) = 0;
  virtual long write_some(const char* from, size_t size) = 0;
  // Whether the last read left nothing behind: the next one needs another event of the descriptor.
  virtual bool emptied() const = 0;
  // Writes what the stream itself has to say (a pong, the rest of a frame). Called when the
  // descriptor takes bytes again; false when it has failed.
  virtual bool flush() { return true; }
  // Says goodbye as the protocol has it, as far as the peer takes it at once; closes the
  // descriptor.
  virtual void close() = 0;
};

}  // namespace dunlin::net
