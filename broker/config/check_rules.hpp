// The faults of rules. Used by check.cpp.
#pragma once

#include "broker/config/checker.hpp"

namespace dunlin::configuration {

void check_rules(const checker& k);

}  // namespace dunlin::configuration
