// Writes the seeds of every fuzz target, the same ones each time:
//   bazel run //tests/fuzz:corpus_writer -- $PWD/tests/fuzz/corpus
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/fuzz/config_seeds.hpp"
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

// Every code in every packet that has one; as decode_fuzz reads it: 1, then a stream.
void add_codes(mqtt::version v, seeds& all) {
  const bool v5 = v == mqtt::version::v5;
  const std::string_view heads[] = {
      {"\x20\x03\x00", 3},     {"\x40\x04\x00\x01", 4},     {"\x50\x04\x00\x01", 4},
      {"\x62\x04\x00\x01", 4}, {"\x70\x04\x00\x01", 4},     {"\xE0\x02", 2},
      {"\xF0\x02", 2},         {"\x90\x04\x00\x01\x00", 5}, {"\xB0\x04\x00\x01\x00", 5}};
  for (const std::string_view head : heads) {
    const bool list = (head[0] & 0xD0) == 0x90;  // SUBACK and UNSUBACK end with their codes
    std::string stream(1, '\x01');
    for (int code = 0; code < 256; ++code) {
      std::string packet(head);
      if (!v5) packet = packet.substr(0, list ? 4 : packet.size());
      packet.push_back(static_cast<char>(code));
      if (v5 && !list) packet.push_back('\0');
      packet[1] = static_cast<char>(packet.size() - 2);
      stream += packet;
    }
    all.insert(std::move(stream));
  }
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
  add_codes(v, out);
  return out;
}

class program_writer {
 public:
  explicit program_writer(uint32_t seed) : random_(seed) {}

  std::string write(uint32_t features) {
    features_ = features;
    byte(features);
    for (uint32_t c = 0; c < 4; ++c) connect(c, below(128));
    for (uint32_t n = 20 + below(40); n > 0; --n) one();
    return out_;
  }
  // SCRAM, again on the connection, and then wrongly.
  std::string authenticate() {
    features_ = 2;
    byte(features_).op(step::connect, 0, 0).byte(0).byte(3).op(step::settle, 0, 0);
    for (uint32_t how : {0, 1, 0, 1, 2})
      op(step::unsubscribe, 0, 1).byte(how).op(step::settle, 0, 0);
    return out_;
  }
  // A topic by its alias alone; PUBREC twice, and with an error.
  std::string aliases_and_acknowledgements() {
    features_ = 32;
    byte(features_);
    op(step::connect, 0, 0).byte(0).byte(64).op(step::connect, 1, 0).byte(0).byte(64);
    op(step::subscribe, 1, 2).byte(0).op(step::settle, 0, 0);
    for (uint32_t more : {0, 64, 64, 5}) {
      op(step::publish, 0, 2).byte(64).byte('x').byte('y').byte('z').byte(more);
      op(step::settle, 0, 0);
      for (uint32_t id : {0, 0, 32}) op(step::ack, 1, 1).byte(id).op(step::settle, 0, 0);
      op(step::ack, 0, 2).byte(0).op(step::settle, 0, 0);
    }
    return out_;
  }
  // Banned and not, short of memory, told to go, drained: while its clients publish.
  std::string operated() {
    byte(features_);
    for (uint32_t c : {0, 1}) {
      op(step::connect, c, 0).byte(0);
      op(step::subscribe, c, 1).byte(0).op(step::settle, 0, 0);
    }
    for (uint32_t what : {1, 1, 2, 2, 2, 3}) {
      op(step::check, 0, what);
      op(step::publish, 1, 1).byte(0).byte('x').byte('y').byte('z').op(step::settle, 0, 0);
      op(step::advance, 0, 0).byte(60).op(step::connect, 0, 0).byte(0).op(step::settle, 0, 0);
    }
    op(step::check, 2, 3).op(step::settle, 0, 0).op(step::connect, 1, 0).byte(0);
    op(step::settle, 0, 0).op(step::check, 0, 0);
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
  void connect(uint32_t client, uint32_t flags) {
    op(step::connect, client, below(4)).byte(flags);
    if (flags & 64) byte(below(16));
    if (features_) byte(below(256));
  }
  void one() {
    constexpr step often[] = {step::publish, step::subscribe, step::settle};
    const auto s = below(2) ? often[below(3)] : static_cast<step>(below(16));
    if (s == step::connect) return connect(below(4), below(256));
    const uint32_t variant = s == step::publish ? below(3) : below(4);
    op(s, below(4), variant);
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
      case step::publish:
        byte(below(128)).byte('x').byte('y').byte('z');
        if (features_) byte(below(256));
        return;
      case step::unsubscribe:
        if (variant != 2) byte(below(256));
        return;
      case step::subscribe:
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
  uint32_t features_ = 0;
  std::string out_;
};

seeds programs() {
  seeds out;
  for (uint32_t i = 1; i <= 24; ++i) out.insert(program_writer(i).write(0));
  for (uint32_t i = 0; i <= 7; ++i) out.insert(program_writer(25 + i).write(1u << i));
  for (uint32_t i = 1; i <= 8; ++i) out.insert(program_writer(32 + i).write(i * 31));
  out.insert(program_writer(0).authenticate());
  out.insert(program_writer(0).operated());
  out.insert(program_writer(0).aliases_and_acknowledgements());
  return out;
}

seeds texts(std::span<const std::string_view> from) { return {from.begin(), from.end()}; }
seeds configuration_texts() {
  seeds all = texts(configurations);
  all.merge(texts(sections));
  return all;
}

int write_all(const fs::path& to) {
  return write_seeds(to / "decode_v31", packets_of(mqtt::version::v31)) |
         write_seeds(to / "decode_v311", packets_of(mqtt::version::v311)) |
         write_seeds(to / "decode_v5", packets_of(mqtt::version::v5)) |
         write_seeds(to / "connection", programs()) | write_seeds(to / "topic", texts(topics)) |
         write_seeds(to / "config", configuration_texts()) |
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
