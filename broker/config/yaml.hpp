// YAML text to a tree with the place of every key and value. yaml-cpp stays behind this header.
//
//   faults wrong;
//   node tree = parse_yaml(text, "dunlin.yaml", wrong);   // a map; broken text adds one fault
#pragma once

#include <string>

#include "broker/config/node.hpp"

namespace dunlin::configuration {

inline constexpr size_t depth_max = 16;  // over: a fault

node parse_yaml(const std::string& text, const std::string& source, faults& wrong);

}  // namespace dunlin::configuration
