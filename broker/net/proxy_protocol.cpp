#include "broker/net/proxy_protocol.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

namespace dunlin::net {
namespace {

using std::string_view;

constexpr string_view signature_v2{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr string_view signature_v1 = "PROXY ";
constexpr size_t line_bytes_max = 107;  // with its CRLF, says the specification
constexpr size_t head_bytes_v2 = 16;

bool is_prefix(string_view bytes, string_view of) {
  const size_t n = std::min(bytes.size(), of.size());
  return bytes.substr(0, n) == of.substr(0, n);
}

std::string with_port(string_view host, int family, unsigned port) {
  std::string out = family == AF_INET6 ? "[" + std::string(host) + "]" : std::string(host);
  return out + ':' + std::to_string(port);
}

// -- version 1: "PROXY TCP4 192.0.2.1 198.51.100.1 4711 1883\r\n" -------------

std::optional<unsigned> parse_port(string_view text) {
  unsigned n = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (ec != std::errc{} || end != text.data() + text.size() || n > 65'535) return {};
  if (text.size() > 1 && text[0] == '0') return {};
  return n;
}

bool is_address(string_view text, int family) {
  unsigned char bytes[16];
  if (text.find('\0') != string_view::npos) return false;  // a C string would end there
  return ::inet_pton(family, std::string(text).c_str(), bytes) == 1;
}

string_view next_word(string_view& line) {
  const size_t space = line.find(' ');
  const string_view word = line.substr(0, space);
  line = space == string_view::npos ? string_view{} : line.substr(space + 1);
  return word;
}

proxy_result parse_line(string_view bytes) {
  const string_view window = bytes.substr(0, line_bytes_max);
  // The first LF, so that it means the same however the bytes are split.
  const size_t end = window.find('\n');
  if (end == string_view::npos) {
    if (bytes.size() >= line_bytes_max) return proxy_malformed{"the line is too long"};
    return proxy_need_more{};
  }
  if (window[end - 1] != '\r') return proxy_malformed{"the line ends without CR"};
  string_view line = window.substr(signature_v1.size(), end - 1 - signature_v1.size());
  const size_t size = end + 1;
  const string_view protocol = next_word(line);
  if (protocol == "UNKNOWN") return proxy_header{{}, size};
  const int family = protocol == "TCP4" ? AF_INET : protocol == "TCP6" ? AF_INET6 : AF_UNSPEC;
  if (family == AF_UNSPEC) return proxy_malformed{"neither TCP4, TCP6 nor UNKNOWN"};
  const string_view source = next_word(line), destination = next_word(line);
  const auto source_port = parse_port(next_word(line));
  const auto destination_port = parse_port(line);  // the rest: nothing may follow it
  if (!is_address(source, family) || !is_address(destination, family))
    return proxy_malformed{"an address cannot be read"};
  if (!source_port || !destination_port) return proxy_malformed{"a port cannot be read"};
  return proxy_header{with_port(source, family, *source_port), size};
}

// -- version 2 ----------------------------------------------------------------

uint16_t be16(const char* p) {
  return static_cast<uint16_t>(static_cast<uint8_t>(p[0]) << 8 | static_cast<uint8_t>(p[1]));
}

proxy_result parse_addresses(string_view body, uint8_t family_and_protocol, size_t size) {
  struct layout {
    int family;
    size_t bytes, port_at;
  };
  constexpr layout v4{AF_INET, 12, 8}, v6{AF_INET6, 36, 32};
  switch (family_and_protocol) {
    case 0x00:  // unspecified
    case 0x31:  // a Unix socket: its path says nothing about the client
      return proxy_header{{}, size};
    case 0x11:
    case 0x21:
      break;
    default:
      return proxy_malformed{"an address family or protocol that carries no MQTT"};
  }
  const layout& l = family_and_protocol == 0x11 ? v4 : v6;
  if (body.size() < l.bytes) return proxy_malformed{"too short for its addresses"};
  char text[INET6_ADDRSTRLEN];
  if (!::inet_ntop(l.family, body.data(), text, sizeof text))
    return proxy_malformed{"an address cannot be read"};
  return proxy_header{with_port(text, l.family, be16(body.data() + l.port_at)), size};
}

proxy_result parse_binary(string_view bytes) {
  if (bytes.size() < head_bytes_v2) {
    if (bytes.size() > 12 && static_cast<uint8_t>(bytes[12]) >> 4 != 2)
      return proxy_malformed{"the version is not 2"};
    return proxy_need_more{};
  }
  const auto version_command = static_cast<uint8_t>(bytes[12]);
  if (version_command >> 4 != 2) return proxy_malformed{"the version is not 2"};
  const uint8_t command = version_command & 15;
  if (command > 1) return proxy_malformed{"the command is neither LOCAL nor PROXY"};
  const size_t size = head_bytes_v2 + be16(bytes.data() + 14);
  if (size > proxy_header_bytes_max) return proxy_malformed{"the header is too long"};
  if (bytes.size() < size) return proxy_need_more{};
  if (command == 0) return proxy_header{{}, size};
  return parse_addresses(bytes.substr(head_bytes_v2, size - head_bytes_v2),
                         static_cast<uint8_t>(bytes[13]), size);
}

}  // namespace

proxy_result parse_proxy_header(string_view bytes) {
  if (bytes.empty()) return proxy_need_more{};
  if (is_prefix(bytes, signature_v2))
    return bytes.size() < signature_v2.size() ? proxy_result{proxy_need_more{}}
                                              : parse_binary(bytes);
  if (is_prefix(bytes, signature_v1))
    return bytes.size() < signature_v1.size() ? proxy_result{proxy_need_more{}} : parse_line(bytes);
  return proxy_malformed{"no PROXY header"};
}

}  // namespace dunlin::net
