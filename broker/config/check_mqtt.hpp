// The faults of access.* and mqtt.*. Used by check.cpp.
#pragma once

#include "broker/config/checker.hpp"

namespace dunlin::configuration {

void check_access(const checker& k);
void check_mqtt(const checker& k);

}  // namespace dunlin::configuration
