#include "tests/mqtt/allocations.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {
std::atomic<size_t> count{0};
std::atomic<size_t> bytes{0};
}  // namespace

// In a file of its own: inlined into a caller, the pair looks like new and free to the compiler.
void* operator new(size_t size) {
  count.fetch_add(1, std::memory_order_relaxed);
  bytes.fetch_add(size, std::memory_order_relaxed);
  if (void* p = std::malloc(size)) return p;
  std::abort();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, size_t) noexcept { std::free(p); }

namespace dunlin::mqtt {

size_t allocation_count() { return count.load(std::memory_order_relaxed); }
size_t allocated_bytes() { return bytes.load(std::memory_order_relaxed); }

}  // namespace dunlin::mqtt
