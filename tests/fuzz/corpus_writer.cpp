// Writes the seeds of decode_fuzz: every short valid packet of the tests.
//   bazel run //tests/fuzz:corpus_writer -- $PWD/tests/fuzz/corpus/decode
#include <fstream>
#include <iostream>
#include <set>
#include <string>

#include "tests/mqtt/samples.hpp"

namespace dunlin::mqtt {
namespace {

constexpr size_t seed_size_max = 256;

// As decode_fuzz reads it: version, then the packet without its length.
std::string seed_of(const sample& s) {
  std::string bytes = encoded(s);
  size_t length_size = bytes.size() < 130 ? 1 : 2;
  char chosen = s.ver == version::v311 ? 0 : s.ver == version::v5 ? 1 : 2;
  return std::string(1, chosen) + bytes[0] + bytes.substr(1 + length_size);
}

int write_all(const std::string& folder) {
  std::set<std::string> seeds;
  for (const sample& s : samples()) {
    std::string seed = seed_of(s);
    if (seed.size() <= seed_size_max) seeds.insert(std::move(seed));
  }
  size_t number = 0;
  for (const std::string& seed : seeds) {
    std::ofstream file(folder + "/seed-" + std::to_string(++number), std::ios::binary);
    file << seed;
    if (!file) {
      std::cerr << "cannot write into " << folder << "\n";
      return 1;
    }
  }
  std::cout << number << " seeds in " << folder << "\n";
  return 0;
}

}  // namespace
}  // namespace dunlin::mqtt

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: corpus_writer FOLDER\n";
    return 2;
  }
  return dunlin::mqtt::write_all(argv[1]);
}
