// Writes the seeds of every fuzz target, the same ones each time:
//   bazel run //tests/fuzz:corpus_writer -- $PWD/tests/fuzz/corpus
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/fuzz/connection_program.hpp"
#include "tests/fuzz/text_seeds.hpp"
#include "tests/mqtt/samples.hpp"

namespace dunlin::fuzz {
namespace {

namespace fs = std::filesystem;
using seeds = std::set<std::string>;

constexpr size_t seed_size_max = 256;

int write_seeds(const fs::path& folder, const seeds& all) {
  fs::create_directories(folder);
  // What was found by fuzzing has other names and stays.
  std::vector<fs::path> old;
  for (const auto& file : fs::directory_iterator(folder))
    if (file.path().filename().string().starts_with("seed-")) old.push_back(file.path());
  for (const fs::path& file : old) fs::remove(file);
  size_t number = 0;
  for (const std::string& seed : all) {
    std::ofstream file(folder / ("seed-" + std::to_string(++number)), std::ios::binary);
    file << seed;
    if (!file) {
      std::cerr << "cannot write into " << folder << "\n";
      return 1;
    }
  }
  std::cout << number << " seeds in " << folder << "\n";
  return 0;
}

// As decode_fuzz reads it: 0, then the packet without its length.
seeds packets_of(mqtt::version v) {
  seeds out;
  for (const auto& s : mqtt::samples()) {
    if (s.ver != v) continue;
    const std::string bytes = encoded(s);
    const size_t length_size = bytes.size() < 130 ? 1 : 2;
    if (bytes.size() <= seed_size_max)
      out.insert(std::string(1, '\0') + bytes[0] + bytes.substr(1 + length_size));
  }
  return out;
}

class program_writer {
 public:
  explicit program_writer(uint32_t seed) : random_(seed) {}

  std::string write() {
    for (uint32_t c = 0; c < 4; ++c)
      op(step::connect, c, below(4)).byte(below(128)).byte(below(16));
    for (uint32_t n = 20 + below(40); n > 0; --n) one();
    return out_;
  }

 private:
  uint32_t below(uint32_t n) { return static_cast<uint32_t>(random_() % n); }
  program_writer& byte(uint32_t b) {
    out_.push_back(static_cast<char>(b));
    return *this;
  }
  program_writer& op(step s, uint32_t client, uint32_t variant) {
    return byte(static_cast<uint32_t>(s) | variant << 4 | client << 6);
  }
  void one() {
    constexpr step often[] = {step::publish, step::subscribe, step::settle};
    const auto s = below(2) ? often[below(3)] : static_cast<step>(below(16));
    op(s, below(4), s == step::publish ? below(3) : below(4));
    switch (s) {
      case step::raw: {
        const std::string bytes = encoded(mqtt::samples()[below(40)]);
        const size_t n = std::min<size_t>(bytes.size(), 255);
        byte(static_cast<uint32_t>(n));
        out_ += bytes.substr(0, n);
        return;
      }
      case step::fitted:
        byte(below(256)).byte(4).byte(0).byte(1).byte('a').byte(below(256));
        return;
      case step::connect:
        byte(below(256)).byte(below(16));
        return;
      case step::publish:
        byte(below(128)).byte('x').byte('y').byte('z');
        return;
      case step::subscribe:
      case step::unsubscribe:
      case step::ack:
      case step::split:
      case step::advance:
        byte(below(256));
        return;
      default:
        return;
    }
  }

  std::mt19937 random_;
  std::string out_;
};

seeds programs() {
  seeds out;
  for (uint32_t i = 1; i <= 40; ++i) out.insert(program_writer(i).write());
  return out;
}

seeds texts(std::span<const std::string_view> from) { return {from.begin(), from.end()}; }

int write_all(const fs::path& to) {
  return write_seeds(to / "decode_v31", packets_of(mqtt::version::v31)) |
         write_seeds(to / "decode_v311", packets_of(mqtt::version::v311)) |
         write_seeds(to / "decode_v5", packets_of(mqtt::version::v5)) |
         write_seeds(to / "connection", programs()) | write_seeds(to / "topic", texts(topics)) |
         write_seeds(to / "config", texts(configurations)) |
         write_seeds(to / "proxy", texts(proxy_headers)) |
         write_seeds(to / "websocket", texts(websockets));
}

}  // namespace
}  // namespace dunlin::fuzz

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: corpus_writer FOLDER\n";
    return 2;
  }
  return dunlin::fuzz::write_all(argv[1]);
}
