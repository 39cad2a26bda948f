#include "broker/net/connection.hpp"

#include <cassert>
#include <cstring>

namespace dunlin::net {
namespace {

std::atomic<uint64_t> next_id{1};

}  // namespace

connection::connection(net::reactor& r, std::string peer)
    : reactor_(&r), id_(next_id.fetch_add(1, std::memory_order_relaxed)), peer_(std::move(peer)) {
  reactor_->count().connections.add();
  reactor_->count().connections_total.add();
}

void connection::start_reading() {
  assert(net::reactor::current() == reactor_);
  paused_ = false;
  if (closed_ || reading_ || read_queued_ || (!readable_ && partial_.empty())) return;
  read_queued_ = true;
  reactor_->read_later(*this);
}

void connection::leave() {
  assert(net::reactor::current() == reactor_ && !reading_);
  unwatch_transport();
  reactor_->forget(*this);
}

void connection::arrive(net::reactor& r) {
  assert(net::reactor::current() == &r);
  reactor_ = &r;
  watch_transport();  // what has come meanwhile is told
  if (flush_queued_) reactor_->flush_later(*this);
  if (read_queued_) reactor_->read_later(*this);
}

void connection::read_now() {
  read_queued_ = false;
  if (closed_ || paused_ || reading_) return;
  reading_ = true;
  if (!partial_.empty()) {  // a consumer that paused may take more now
    std::string held = std::move(partial_);
    partial_.clear();
    take(held);
  }
  if (!closed_ && !paused_ && readable_) {
    char* buffer = reactor_->read_buffer();
    // A short beginning of a packet is put in front of what comes; a long one collects on its own.
    const bool in_front = partial_.size() <= net::reactor::read_buffer_bytes / 2;
    const size_t offset = in_front ? partial_.size() : 0;
    const size_t room = net::reactor::read_buffer_bytes - offset;
    const long n = read_some(buffer + offset, room);
    if (n > 0) {
      reactor_->count().bytes_received.add(static_cast<uint64_t>(n));
      const auto got = static_cast<size_t>(n);
      // Edge-triggered: a read that fills less than its room has emptied the socket.
      if (got < room && short_read_empties_ && !hang_up_) readable_ = false;
      if (in_front) {
        std::memcpy(buffer, partial_.data(), offset);
        partial_.clear();
        take({buffer, offset + got});
      } else {
        partial_.append(buffer, got);
        std::string whole = std::move(partial_);
        partial_.clear();
        take(whole);
      }
    } else if (n == would_block) {
      readable_ = false;
    } else {
      reading_ = false;
      return lost();
    }
  }
  reading_ = false;
  if (!closed_ && !paused_ && readable_ && !read_queued_) {
    read_queued_ = true;
    reactor_->read_later(*this);
  }
}

void connection::take(std::string_view bytes) {
  while (!bytes.empty() && consumer_ && !closed_) {
    consumer* before = consumer_;
    const size_t used = before->consume(bytes);
    bytes.remove_prefix(used);
    if (consumer_ == before || paused_) break;
  }
  if (!closed_) partial_.assign(bytes);
  if (partial_.empty() && partial_.capacity() > small_string) std::string().swap(partial_);
}

void connection::flush_now() {
  flush_queued_ = false;
  if (closed_ || blocked_) return;
  const size_t before = sent_;
  while (sent_ < out_.size()) {
    const long n = write_some(out_.data() + sent_, out_.size() - sent_);
    if (n > 0) {
      sent_ += static_cast<size_t>(n);
    } else if (n == would_block) {
      blocked_ = true;
      break;
    } else {
      return lost();
    }
  }
  bytes_out_ += sent_ - before;
  reactor_->count().bytes_sent.add(sent_ - before);
  if (sent_ == out_.size()) {
    sent_all();
  } else if (sent_ > output_kept_max) {
    out_.erase(0, sent_);
    sent_ = 0;
  }
  if (notify_ && unsent() <= low_mark_) {
    notify_ = false;
    if (consumer_) consumer_->on_drained();
  }
}

void connection::sent_all() {
  sent_ = 0;
  reactor_->give_buffer(std::move(out_));
  out_ = {};
}

void connection::lost() {
  if (closed_) return;
  release();
  if (auto* c = std::exchange(consumer_, nullptr)) c->on_closed();
}

void connection::close() {
  if (closed_) return;
  consumer_ = nullptr;
  if (!blocked_ && unsent() > 0) {
    const long n = write_some(out_.data() + sent_, unsent());
    if (n > 0) reactor_->count().bytes_sent.add(static_cast<uint64_t>(n));
  }
  release();
}

void connection::release() {
  closed_ = true;
  close_transport();
  out_ = {};
  sent_ = 0;
  partial_ = {};
  reactor_->count().connections.sub();
  if (open_) open_->fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace dunlin::net
