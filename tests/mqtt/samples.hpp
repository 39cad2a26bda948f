// Valid packets: every type, every version, every property in every packet that may carry it.
//
// Used by the round trip, prefix and mutation tests and by the fuzzer's corpus.
//   for (const sample& s : samples()) { std::string bytes = encoded(s); ... }
#pragma once

#include <string>
#include <vector>

#include "broker/mqtt/encode.hpp"
#include "broker/mqtt/packet.hpp"

namespace dunlin::mqtt {

struct sample {
  std::string name;
  version ver;
  packet value;  // views into static text
};

const std::vector<sample>& samples();

inline std::string encoded(const sample& s) {
  std::string out;
  encode(s.value, s.ver, out);
  return out;
}

inline std::string name_of(version v) {
  return v == version::v31 ? "3.1" : v == version::v311 ? "3.1.1" : "5.0";
}

}  // namespace dunlin::mqtt
