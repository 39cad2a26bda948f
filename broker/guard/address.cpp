#include "broker/guard/address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace dunlin::guard {
namespace {

constexpr uint8_t v4_prefix_bits = 96;
constexpr ip v4_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

bool is_v4(const ip& a) { return std::equal(a.begin(), a.begin() + 12, v4_prefix.begin()); }

}  // namespace

std::optional<ip> parse_ip(std::string_view s) {
  char text[INET6_ADDRSTRLEN];
  if (s.empty() || s.size() >= sizeof text) return {};
  *std::copy(s.begin(), s.end(), text) = '\0';
  ip a = v4_prefix;
  if (::inet_pton(AF_INET, text, a.data() + 12) == 1) return a;
  if (::inet_pton(AF_INET6, text, a.data()) == 1) return a;
  return {};
}

ip masked(const ip& a, uint8_t bits) {
  ip out{};
  for (int i = 0; i < 16; ++i) {
    const int left = bits - 8 * i;
    if (left >= 8)
      out[i] = a[i];
    else if (left > 0)
      out[i] = static_cast<uint8_t>(a[i] & (0xFF << (8 - left)));
  }
  return out;
}

bool network::holds(const ip& a) const { return masked(a, bits) == base; }

std::optional<network> parse_network(std::string_view s) {
  const size_t slash = s.find('/');
  const auto a = parse_ip(s.substr(0, slash));
  if (!a) return {};
  const bool v4 = is_v4(*a) && s.substr(0, slash).find(':') == std::string_view::npos;
  unsigned bits = v4 ? 32 : 128;
  if (slash != std::string_view::npos) {
    const auto text = s.substr(slash + 1);
    const unsigned most = bits;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bits);
    if (error != std::errc() || end != text.data() + text.size() || bits > most) return {};
  }
  const auto all = static_cast<uint8_t>(v4 ? bits + v4_prefix_bits : bits);
  return network{masked(*a, all), all};
}

std::optional<ip> address_of_peer(std::string_view peer) {
  const size_t colon = peer.rfind(':');
  if (colon == std::string_view::npos) return {};
  std::string_view host = peer.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  if (const size_t zone = host.find('%'); zone != std::string_view::npos)
    host = host.substr(0, zone);
  return parse_ip(host);
}

std::string to_string(const network& n) {
  char text[INET6_ADDRSTRLEN] = "";
  const bool v4 = is_v4(n.base) && n.bits >= v4_prefix_bits;
  if (v4)
    ::inet_ntop(AF_INET, n.base.data() + 12, text, sizeof text);
  else
    ::inet_ntop(AF_INET6, n.base.data(), text, sizeof text);
  const unsigned bits = v4 ? n.bits - v4_prefix_bits : n.bits;
  if (bits == (v4 ? 32u : 128u)) return text;
  return std::string(text) + "/" + std::to_string(bits);
}

}  // namespace dunlin::guard
