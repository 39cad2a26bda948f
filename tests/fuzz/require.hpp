// What a fuzz target demands of the code under test: abort() is what libFuzzer sees.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace dunlin::fuzz {

inline void require(bool holds, std::string_view what = {}) {
  if (holds) return;
  if (!what.empty())
    std::fprintf(stderr, "violated: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

}  // namespace dunlin::fuzz
