// The log as the configuration wants it; again after a reload.
#pragma once

#include "broker/config.hpp"

namespace dunlin {

void configure_log(const config& c);

}  // namespace dunlin
