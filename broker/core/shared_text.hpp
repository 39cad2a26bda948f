// Immutable text, reference counted across threads, eight bytes a reference and one allocation in
// all.
//
// Topic filters (held by a session and its shards) and encoded subscription identifiers (held by
// every queued message).
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

namespace dunlin::core {

class shared_text {
 public:
  shared_text() = default;
  explicit shared_text(std::string_view s) {
    if (s.empty()) return;
    block_ = new (::operator new(sizeof(block) + s.size())) block;
    block_->size = static_cast<uint32_t>(s.size());
    std::memcpy(reinterpret_cast<char*>(block_ + 1), s.data(), s.size());
  }
  shared_text(const shared_text& o) noexcept : block_(o.block_) {
    if (block_) block_->references.fetch_add(1, std::memory_order_relaxed);
  }
  shared_text(shared_text&& o) noexcept : block_(std::exchange(o.block_, nullptr)) {}
  shared_text& operator=(shared_text o) noexcept {
    std::swap(block_, o.block_);
    return *this;
  }
  ~shared_text() {
    if (block_ && block_->references.fetch_sub(1, std::memory_order_acq_rel) == 1)
      ::operator delete(block_);
  }

  std::string_view view() const {
    return block_ ? std::string_view(reinterpret_cast<const char*>(block_ + 1), block_->size)
                  : std::string_view();
  }
  bool empty() const { return block_ == nullptr; }
  void prefetch() const { __builtin_prefetch(block_); }

 private:
  struct block {
    std::atomic<uint32_t> references{1};
    uint32_t size = 0;
  };
  block* block_ = nullptr;
};

}  // namespace dunlin::core
