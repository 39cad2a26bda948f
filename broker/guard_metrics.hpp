// What the guard shows in /metrics and /readyz.
#pragma once

#include <string>
#include <vector>

#include "broker/guard/node_guard.hpp"

namespace dunlin {

std::string render_guard(const guard::node_guard& g);  // Prometheus text
// Why no new connections are taken; empty: they are.
std::vector<std::string> overload_reasons(const guard::load_facts& f);

}  // namespace dunlin
