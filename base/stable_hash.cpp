#include "base/stable_hash.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace dunlin {

uint64_t stable_hash(std::string_view s) { return XXH3_64bits(s.data(), s.size()); }

}  // namespace dunlin
