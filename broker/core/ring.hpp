// A queue in one block of memory that grows by doubling and holds none while empty for long.
//
// Used by sessions for in-flight and queued messages: std::deque allocates even when it is empty,
// and a million idle sessions have two each.   ring<int> q; q.push_back(1); q.front(); q[0];
// q.pop_front();
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

namespace dunlin::core {

template <class T>
class ring {
 public:
  ring() = default;
  ring(const ring&) = delete;
  ring& operator=(const ring&) = delete;
  ~ring() { clear(); }

  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  T& operator[](size_t i) {
    assert(i < size_);
    return slots_[(head_ + i) & (capacity_ - 1)];
  }
  const T& operator[](size_t i) const { return const_cast<ring&>(*this)[i]; }
  T& front() { return (*this)[0]; }
  T& back() { return (*this)[size_ - 1]; }

  template <class... A>
  T& emplace_back(A&&... a) {
    if (size_ == capacity_) grow();
    T* at = slots_ + ((head_ + size_) & (capacity_ - 1));
    new (at) T{std::forward<A>(a)...};
    ++size_;
    return *at;
  }
  void push_back(T v) { emplace_back(std::move(v)); }

  void pop_front() {
    assert(size_ > 0);
    slots_[head_].~T();
    head_ = (head_ + 1) & (capacity_ - 1);
    if (--size_ == 0 && capacity_ > kept_capacity_max) release();
  }

  void clear() {
    while (size_ > 0) pop_front();
    release();
  }

 private:
  static constexpr uint32_t first_capacity = 8, kept_capacity_max = 64;

  void release() {
    ::operator delete(slots_);
    slots_ = nullptr;
    capacity_ = head_ = 0;
  }
  void grow() {
    const uint32_t capacity = capacity_ ? capacity_ * 2 : first_capacity;
    T* slots = static_cast<T*>(::operator new(capacity * sizeof(T)));
    for (uint32_t i = 0; i < size_; ++i) {
      T& from = (*this)[i];
      new (slots + i) T(std::move(from));
      from.~T();
    }
    ::operator delete(slots_);
    slots_ = slots;
    capacity_ = capacity;
    head_ = 0;
  }

  T* slots_ = nullptr;
  uint32_t capacity_ = 0, head_ = 0, size_ = 0;
};

}  // namespace dunlin::core
