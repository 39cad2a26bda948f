// When messages of a fixed rate are due within a round, in which every publisher has one.
//
// Used by the engine. Evenly spaced messages never meet at the broker, which flatters one that is
// slow: devices that know nothing of each other report at moments of their own, so that several
// come at once. The moments are the same in every run.
//
//   const auto at = moments(true, 50);   // at[7]: publisher 7's moment, 0 <= at[7] < 50, rising
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

namespace dunlin::load {

// In messages: the round's length is the number of publishers.
inline std::vector<double> moments(bool independent, uint32_t publishers) {
  std::vector<double> at(publishers);
  std::mt19937_64 random(1);
  for (uint32_t i = 0; i < publishers; ++i)
    at[i] = independent ? double(random() >> 11) * 0x1p-53 * publishers : i;
  std::sort(at.begin(), at.end());
  return at;
}

}  // namespace dunlin::load
