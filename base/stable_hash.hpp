// A hash of text that is the same in every process, so that what it decides can be repeated: which
// shard a topic belongs to, which registry a client ID, which member of a group a key.
//
// Hash tables use the hash of their library, which may differ from run to run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace dunlin {

uint64_t stable_hash(std::string_view s);

// Which of n parts the text belongs to; by the upper half of the hash, without a division.
inline size_t part_of(std::string_view s, size_t n) { return (stable_hash(s) >> 32) * n >> 32; }

}  // namespace dunlin
