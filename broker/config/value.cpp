#include "broker/config/value.hpp"

#include <arpa/inet.h>

#include <charconv>
#include <limits>
#include <span>

namespace dunlin::configuration {

namespace {

struct suffix {
  std::string_view name;
  uint64_t factor;
};
constexpr suffix sizes[] = {{"", 1},
                            {"B", 1},
                            {"kB", 1'000},
                            {"KB", 1'000},
                            {"MB", 1'000'000},
                            {"GB", 1'000'000'000},
                            {"TB", 1'000'000'000'000},
                            {"KiB", 1ull << 10},
                            {"MiB", 1ull << 20},
                            {"GiB", 1ull << 30},
                            {"TiB", 1ull << 40}};
constexpr suffix ms_times[] = {{"", 1},       {"ms", 1},        {"s", 1'000},
                               {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
constexpr suffix s_times[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3'600}, {"d", 86'400}};
constexpr suffix none[] = {{"", 1}};

std::span<const suffix> suffixes(unit u) {
  switch (u) {
    case unit::bytes:
      return sizes;
    case unit::milliseconds:
      return ms_times;
    case unit::seconds:
      return s_times;
    case unit::plain:
      break;
  }
  return none;
}

}  // namespace

std::optional<uint64_t> parse_number(std::string_view text, unit u) {
  uint64_t n = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (ec != std::errc{}) return {};
  std::string_view rest = text.substr(static_cast<size_t>(end - text.data()));
  if (rest.starts_with(' ')) rest.remove_prefix(1);
  for (const auto& s : suffixes(u)) {
    if (s.name != rest) continue;
    if (n > std::numeric_limits<uint64_t>::max() / s.factor) return {};
    return n * s.factor;
  }
  return {};
}

std::string_view form_of(unit u) {
  switch (u) {
    case unit::bytes:
      return "a size such as 256MiB, 64KiB or 1048576 (bytes)";
    case unit::milliseconds:
      return "a duration such as 500ms, 10s, 5m or 1000 (milliseconds)";
    case unit::seconds:
      return "a duration such as 30s, 5m, 2h, 7d or 3600 (seconds)";
    case unit::plain:
      break;
  }
  return "a whole number such as 100";
}

std::optional<address> parse_address(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return {};
  std::string_view host = text.substr(0, colon), port = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != std::string_view::npos)
    return {};  // an IPv6 address without brackets: where does it end?
  uint16_t n = 0;
  const auto [end, ec] = std::from_chars(port.data(), port.data() + port.size(), n);
  if (host.empty() || ec != std::errc{} || end != port.data() + port.size()) return {};
  for (const char c : host)
    if (static_cast<unsigned char>(c) <= ' ' || c == '/' || c == '[' || c == ']') return {};
  return address{std::string(host), n};
}

bool is_literal(const std::string& host) {
  unsigned char bytes[16];
  return host == "localhost" || inet_pton(AF_INET, host.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

}  // namespace dunlin::configuration
