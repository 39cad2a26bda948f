// Bans as a text file: what was banned at run time survives a restart.
//
// A first line that names the form, then one ban a line, its fields between tabs and a checksum at
// the end. A line that does not fit its checksum is left out and told; the others hold. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "broker/guard/ban.hpp"

namespace dunlin::guard {

std::string write_bans(const std::vector<ban>& bans);

struct read_result {
  std::vector<ban> bans;
  std::vector<size_t> damaged;  // line numbers, from 1
};
read_result read_bans(std::string_view text);

}  // namespace dunlin::guard
