#include "broker/net/proxy_protocol.hpp"

#include <gtest/gtest.h>

#include <string>

namespace dunlin::net {
namespace {

using namespace std::string_literals;

const std::string signature = "\r\n\r\n\0\r\nQUIT\n"s;
const std::string v4_addresses = "\xC0\x00\x02\x01\xC6\x33\x64\x01\x12\x67\x07\x5B"s;
const std::string v6_addresses =
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"s + std::string(16, '\x02') + "\x12\x67\x07\x5B"s;

std::string binary(char version_command, char family, const std::string& body, int length = -1) {
  const auto n = length < 0 ? body.size() : static_cast<size_t>(length);
  return signature + version_command + family + static_cast<char>(n >> 8) +
         static_cast<char>(n & 255) + body;
}

struct good_row {
  std::string header, source;
};
const good_row good[] = {
    {"PROXY TCP4 192.0.2.1 198.51.100.1 4711 1883\r\n", "192.0.2.1:4711"},
    {"PROXY TCP4 255.255.255.255 0.0.0.0 65535 0\r\n", "255.255.255.255:65535"},
    {"PROXY TCP6 2001:db8::1 ::1 4711 1883\r\n", "[2001:db8::1]:4711"},
    {"PROXY UNKNOWN\r\n", ""},
    {"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", ""},
    {binary('\x21', '\x11', v4_addresses), "192.0.2.1:4711"},
    {binary('\x21', '\x21', v6_addresses), "[2001:db8::1]:4711"},
    {binary('\x21', '\x11', v4_addresses + "\x04\x00\x03"s + "abc"), "192.0.2.1:4711"},  // TLV
    {binary('\x20', '\x00', ""), ""},                     // LOCAL: a health check
    {binary('\x20', '\x11', v4_addresses), ""},           // LOCAL, addresses ignored
    {binary('\x21', '\x00', ""), ""},                     // unspecified
    {binary('\x21', '\x31', std::string(216, '/')), ""},  // Unix
};

TEST(ProxyHeader, GoodOnesGiveTheSourceAndTheirSize) {
  for (const auto& row : good) {
    const auto r = parse_proxy_header(row.header + "\x10\x0cMQTT...");
    const auto* h = std::get_if<proxy_header>(&r);
    ASSERT_TRUE(h) << row.header;
    EXPECT_EQ(h->source, row.source) << row.header;
    EXPECT_EQ(h->size, row.header.size()) << row.header;
  }
}

TEST(ProxyHeader, EveryPrefixNeedsMore) {
  for (const auto& row : good)
    for (size_t n = 0; n < row.header.size(); ++n)
      EXPECT_TRUE(std::holds_alternative<proxy_need_more>(
          parse_proxy_header(std::string_view(row.header).substr(0, n))))
          << row.header << " cut to " << n;
}

TEST(ProxyHeader, BadOnesAreMalformed) {
  const std::string bad[] = {
      "\x10\x0c\x00\x04MQTT"s,
      "GET / HTTP/1.1\r\n",
      "proxy TCP4 192.0.2.1 198.51.100.1 4711 1883\r\n",
      "PROXY TCP5 192.0.2.1 198.51.100.1 4711 1883\r\n",
      "PROXY TCP4 192.0.2.1 198.51.100.1 4711 1883\n",
      "PROXY TCP4 192.0.2.256 198.51.100.1 4711 1883\r\n",
      "PROXY TCP4 2001:db8::1 ::1 4711 1883\r\n",
      "PROXY TCP6 192.0.2.1 198.51.100.1 4711 1883\r\n",
      "PROXY TCP4 192.0.2.1 198.51.100.1 65536 1883\r\n",
      "PROXY TCP4 192.0.2.1 198.51.100.1 -1 1883\r\n",
      "PROXY TCP4 192.0.2.1 198.51.100.1 04711 1883\r\n",
      "PROXY TCP4 192.0.2.1 198.51.100.1 4711\r\n",
      "PROXY TCP4 192.0.2.1 198.51.100.1 4711 1883 9\r\n",
      "PROXY TCP4  192.0.2.1 198.51.100.1 4711 1883\r\n",
      "PROXY TCP4\r\n",
      "PROXY \r\n",
      "PROXY UNKNOWN a\nb\r\n",
      "PROXY TCP4 192.0.2.1\0x 198.51.100.1 4711 1883\r\n"s,
      "PROXY UNKNOWN" + std::string(100, 'x') + "\r\n",
      "PROXY TCP4 " + std::string(200, '1'),
      binary('\x11', '\x11', v4_addresses),                // version 1 in binary
      binary('\x22', '\x11', v4_addresses),                // an unknown command
      binary('\x21', '\x12', v4_addresses),                // UDP
      binary('\x21', '\x41', v4_addresses),                // an unknown family
      binary('\x21', '\x11', v4_addresses.substr(0, 11)),  // too short
      binary('\x21', '\x21', v4_addresses),                // IPv6 with IPv4's length
      binary('\x21', '\x11', v4_addresses, 4096),          // beyond the limit, told at once
  };
  for (const auto& b : bad)
    EXPECT_TRUE(std::holds_alternative<proxy_malformed>(parse_proxy_header(b))) << b;
}

}  // namespace
}  // namespace dunlin::net
