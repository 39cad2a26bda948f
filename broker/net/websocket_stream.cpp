#include "broker/net/websocket_stream.hpp"

#include <algorithm>

namespace dunlin::net {

long websocket_stream::read_some(char* into, size_t max) {
  for (;;) {
    if (ws_.over()) {
      flush();
      return 0;
    }
    const long n = below_->read_some(into, max);
    if (n <= 0) return n;
    const size_t mqtt = ws_.receive(into, static_cast<size_t>(n));
    if (ws_.has_output()) {
      take_output();
      if (!flush()) return failed;
    }
    if (ws_.refusal() != websocket_refusal::none && !std::exchange(told_, true))
      on_refused_(context_, ws_.refusal());
    if (mqtt > 0) return static_cast<long>(mqtt);
  }
}

long websocket_stream::write_some(const char* from, size_t size) {
  if (!flush()) return failed;
  if (!pending_.empty()) return would_block;
  if (!ws_.open()) return failed;
  static thread_local std::string frame;
  size_t taken = 0;
  while (taken < size && pending_.empty()) {
    const size_t n = std::min(size - taken, frame_bytes_max);
    frame.clear();
    websocket_server::frame({from + taken, n}, frame);
    taken += n;
    const size_t written = write_below(frame.data(), frame.size());
    if (failed_) return failed;
    pending_.assign(frame, written);
  }
  return static_cast<long>(taken);
}

bool websocket_stream::flush() {
  if (pending_.empty() || failed_) return !failed_;
  pending_.erase(0, write_below(pending_.data(), pending_.size()));
  if (pending_.empty()) std::string().swap(pending_);
  return !failed_;
}

void websocket_stream::close() {
  if (!failed_) {
    ws_.close(websocket_close::normal);
    take_output();
    flush();
  }
  below_->close();
}

void websocket_stream::take_output() {
  // A peer that takes no output does not make us hold more and more pongs.
  constexpr size_t pending_max = frame_bytes_max + (16 << 10);
  std::string more = ws_.take_output();
  if (pending_.size() <= pending_max || ws_.over()) pending_ += more;
}

size_t websocket_stream::write_below(const char* from, size_t size) {
  size_t done = 0;
  while (done < size) {
    const long n = below_->write_some(from + done, size - done);
    if (n == would_block) break;
    if (n <= 0) {
      failed_ = true;
      break;
    }
    done += static_cast<size_t>(n);
  }
  return done;
}

}  // namespace dunlin::net
