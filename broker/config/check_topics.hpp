// The topics section: groups, rewrites, auto-subscriptions and measured filters.
#pragma once

#include "broker/config/checker.hpp"

namespace dunlin::configuration {

void check_topics(const checker& k);

}  // namespace dunlin::configuration
