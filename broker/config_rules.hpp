// The configured rules in the form that rules/ takes. Apart from config.hpp because it brings CAF
// with it.
//
// Used by main.cpp:  auto r = to_rules(loaded->values); r.queue = ...; r.ingress = ...;
// start_rules(system, r);
#pragma once

#include "broker/config.hpp"
#include "rules/rule.hpp"

namespace dunlin {

// `queue` and `ingress` are left unset.
rules::rules_config to_rules(const config& c);

}  // namespace dunlin
