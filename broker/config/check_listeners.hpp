// The faults of listeners and of the addresses that the node listens on; certificates are loaded.
// Used by check.cpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "broker/config/checker.hpp"

namespace dunlin::configuration {

inline constexpr std::string_view address_form =
    "write \"127.0.0.1:1883\", \"0.0.0.0:1883\" or \"[::1]:1883\"";

void check_listeners(const checker& k, std::vector<std::string>& warnings);

}  // namespace dunlin::configuration
