// What the guard holds to, from the configuration.
#pragma once

#include "broker/config.hpp"
#include "broker/guard/limits.hpp"

namespace dunlin {

guard::policy to_policy(const config& c);

}  // namespace dunlin
