// Undoes zlib's and gzip's compression, within a limit.
//
// Used for messages of RocketMQ's remoting clients, which compress bodies over 4 KiB. Pure.
//   if (auto body = inflate(m.body(), 16 << 20)) ...
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace dunlin::rules {

// Nothing when the bytes are not one whole compressed stream, or hold more than bytes_max.
std::optional<std::string> inflate(std::string_view compressed, size_t bytes_max);

}  // namespace dunlin::rules
