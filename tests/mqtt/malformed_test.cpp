// Every packet of malformed_cases.txt is refused with the reason code that the table names.
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "broker/mqtt/decode.hpp"
#include "tests/mqtt/hex.hpp"

namespace dunlin::mqtt {
namespace {

constexpr size_t packet_size_max = 1 << 20;

struct malformed_case {
  version ver;
  int expected;
  std::string line, bytes;
};

std::vector<std::string> columns(const std::string& line) {
  constexpr std::string_view separator = " | ";
  std::vector<std::string> out;
  size_t begin = 0;
  for (size_t end; (end = line.find(separator, begin)) != std::string::npos;) {
    out.push_back(line.substr(begin, end - begin));
    begin = end + separator.size();
  }
  out.push_back(line.substr(begin));
  return out;
}

std::vector<malformed_case> read_cases() {
  std::ifstream file("tests/mqtt/malformed_cases.txt");
  std::vector<malformed_case> cases;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    auto column = columns(line);
    if (column.size() != 6) {
      ADD_FAILURE() << "not six columns: " << line;
      continue;
    }
    version v = column[0] == "31" ? version::v31 : column[0] == "311" ? version::v311 : version::v5;
    cases.push_back({v, std::stoi(column[2], nullptr, 16), line, from_hex(column[5])});
  }
  return cases;
}

// The reason that the packet is refused with; -1 when it is not.
int refusal(const malformed_case& c) {
  frame_result framed = next_frame(c.bytes, packet_size_max);
  if (auto* bad = std::get_if<malformed>(&framed)) return static_cast<int>(bad->code);
  auto* f = std::get_if<frame>(&framed);
  if (f == nullptr) return -1;
  auto result = decode(*f, c.ver);
  auto* bad = std::get_if<malformed>(&result);
  return bad == nullptr ? -1 : static_cast<int>(bad->code);
}

TEST(Malformed, EveryForbiddenPacketGetsTheReasonOfTheSpecification) {
  auto cases = read_cases();
  ASSERT_GE(cases.size(), 150u);
  for (const malformed_case& c : cases) EXPECT_EQ(refusal(c), c.expected) << c.line;
}

TEST(Malformed, EveryReasonIsToldInWords) {
  for (const malformed_case& c : read_cases()) {
    frame_result framed = next_frame(c.bytes, packet_size_max);
    if (auto* f = std::get_if<frame>(&framed)) {
      auto result = decode(*f, c.ver);
      ASSERT_TRUE(std::holds_alternative<malformed>(result)) << c.line;
      EXPECT_FALSE(std::get<malformed>(result).why.empty()) << c.line;
    } else {
      ASSERT_TRUE(std::holds_alternative<malformed>(framed)) << c.line;
      EXPECT_FALSE(std::get<malformed>(framed).why.empty()) << c.line;
    }
  }
}

}  // namespace
}  // namespace dunlin::mqtt
