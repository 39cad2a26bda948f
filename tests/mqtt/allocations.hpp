// Counts what operator new hands out, in a program that links this in.
//
// Used by tests and benchmarks of what must not allocate. For one thread.
//   size_t before = allocation_count();  f();  EXPECT_EQ(allocation_count() - before, 0u);
#pragma once

#include <cstddef>

namespace dunlin::mqtt {

size_t allocation_count();
size_t allocated_bytes();

}  // namespace dunlin::mqtt
