// A point in time as the configuration and the API write it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dunlin::configuration {

// "2027-01-31" or "2027-01-31T12:00:00Z" in milliseconds since the epoch; nothing when it is
// neither.
std::optional<int64_t> parse_utc(std::string_view text);

}  // namespace dunlin::configuration
