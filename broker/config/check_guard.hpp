// Checks guard and overload.
#pragma once

#include "broker/config/checker.hpp"

namespace dunlin::configuration {

void check_guard(const checker& k);

}  // namespace dunlin::configuration
