// The settings of a node (settings.hpp) from its configuration.
#pragma once

#include "broker/config.hpp"
#include "broker/settings.hpp"

namespace dunlin {

settings to_settings(const config& c);

}  // namespace dunlin
