// IP addresses and networks, version 4 and 6 in one form: a version 4 address stands in its place
// of version 6 (::ffff:a.b.c.d), so that it is the same whichever kind of socket it came through.
//
// Used by the ban list. Pure.   parse_network("10.0.0.0/8")->holds(*address_of_peer("10.1.2.3:55"))
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dunlin::guard {

using ip = std::array<uint8_t, 16>;

struct network {
  ip base{};
  uint8_t bits = 128;  // of the version 6 form

  bool holds(const ip& a) const;
};

std::optional<ip> parse_ip(std::string_view s);
// "10.1.2.3", "10.0.0.0/8", "::1", "2001:db8::/32"; host bits are cleared.
std::optional<network> parse_network(std::string_view s);
// Of "10.1.2.3:55" or "[::1]:55"; nothing for a peer without one (a Unix socket).
std::optional<ip> address_of_peer(std::string_view peer);
ip masked(const ip& a, uint8_t bits);
std::string to_string(const network& n);

}  // namespace dunlin::guard
