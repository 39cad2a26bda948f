// Text to numbers, sizes, durations and addresses. Pure.
//
//   parse_number("256MiB", unit::bytes)      -> 268435456
//   parse_number("10s", unit::milliseconds)  -> 10000
//   parse_address("[::1]:1883")              -> {"::1", 1883}
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dunlin::configuration {

enum class unit { plain, bytes, milliseconds, seconds };

// A whole number, with a suffix where the unit has some; nothing when it is not one or does not
// fit.
std::optional<uint64_t> parse_number(std::string_view text, unit u);
// What may be written, for hints.
std::string_view form_of(unit u);

struct address {
  std::string host;
  uint16_t port = 0;
  bool operator==(const address&) const = default;
};
// host:port or [IPv6]:port. The host is not resolved; an empty one is refused.
std::optional<address> parse_address(std::string_view text);
// Whether the host is a literal IPv4 or IPv6 address, or "localhost": what a listener takes.
bool is_literal(const std::string& host);

}  // namespace dunlin::configuration
