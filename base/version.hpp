// The one place that holds the version: shown by `dunlin version`, GET /api/v1/node and
// $SYS/broker/version.
#pragma once

#include <string_view>

namespace dunlin {

inline constexpr std::string_view version = "0.1.0";

}  // namespace dunlin
