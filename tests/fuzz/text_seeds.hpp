// Seeds of the targets that read text.
#pragma once

#include <span>
#include <string_view>

namespace dunlin::fuzz {

using namespace std::literals;

// Filter, newline, topic.
inline constexpr std::string_view topics[] = {
    "a/b\na/b",
    "a/+\na/b",
    "+/+\na/b",
    "#\na/b/c",
    "a/#\na",
    "+\na",
    "/+\n/a",
    "+/\na/",
    "$share/g/a/#\na",
    "$share/g/+\na",
    "$SYS/#\n$SYS/x",
    "#\n$SYS/x",
    "+/x\n$SYS/x",
    "a//b\na//b",
    "a/+/b\na//b",
    "a/#/b\na/x/b",
    "a+\na+",
    "a#\na#",
    "$share//a\na",
    "$share/g/$share/h/a\na",
    "home/p2p/+\nhome/p2p/c1",
    "\xC3\xA9/+\n\xC3\xA9/x",
    "+/+/+/+/+/+/+/+\na/b/c/d/e/f/g/h",
    "/\n/",
    "$share/g\n$share/g",
    "\xE2\x82\xAC\xF0\x9F\x98\x80\n\xC3\xA9\xED\x9F\xBF\xEF\xBF\xBF\xF4\x8F\xBF\xBF",
    "\xC0\x80\n\xE0\x9F\xBF",
    "\xED\xA0\x80\n\xF4\x90\x80\x80",
    "\xF0\x8F\xBF\xBF\n\xF5\x80\x80\x80",
    "12345678\xC3\n\xE2\x82",
};

// Versions 1 and 2.
inline constexpr std::string_view proxy_headers[] = {
    "PROXY TCP4 192.0.2.1 192.0.2.2 4711 1883\r\n\x10",
    "PROXY TCP6 2001:db8::1 2001:db8::2 4711 1883\r\n",
    "PROXY UNKNOWN\r\n",
    "PROXY UNKNOWN ffff::1 ffff::2 1 2\r\nx",
    "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
    "PROXY TCP4 192.0.2.1 192.0.2.2 4711 1883\n",
    "PROXY TCP4 192.0.2.256 192.0.2.2 4711 1883\r\n",
    "PROXY TCP4 192.0.2.1 192.0.2.2 70000 1883\r\n",
    "PROXY TCP5 192.0.2.1",
    "PROXY  TCP4 192.0.2.1 192.0.2.2 4711 1883\r\n",
    "PRO",
    "\x10\x0C\x00\x04MQTT",
    "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0C\xC0\0\x02\x01\xC0\0\x02\x02\x12\x67\x07\x5Brest"sv,
    "\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x24\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\x01"
    "\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\x02\x12\x67\x07\x5B"sv,
    "\r\n\r\n\0\r\nQUIT\n\x20\x00\0\0"sv,
    "\r\n\r\n\0\r\nQUIT\n\x21\x00\0\x03\x04\0\0"sv,
    "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x13\xC0\0\x02\x01\xC0\0\x02\x02\x12\x67\x07\x5B\x02\0\x04host"sv,
    "\r\n\r\n\0\r\nQUIT\n\x21\x31\0\x00"sv,
    "\r\n\r\n\0\r\nQUIT\n\x31\x11\0\x0C"sv,
    "\r\n\r\n\0\r\nQUIT\n\x21\x11\xFF\xFF"sv,
};

// As websocket_fuzz reads them: how, pieces, then frames (first byte, length, payload) or bytes.
inline constexpr std::string_view websockets[] = {
    "\x03\x00\x82\x04\x10\x02\x00\x00"sv,
    "\x03\x07\x82\x02\xC0\x00\x82\x02\xE0\x00"sv,
    "\x03\x01\x02\x01\xC0\x80\x01\x00"sv,
    "\x03\x00\x02\x01\xC0\x89\x02hi\x80\x01\x00"sv,
    "\x03\x00\x81\x02hi"sv,
    "\x03\x00\x88\x02\x03\xE8"sv,
    "\x03\x00\x88\x00\x82\x02\xC0\x00"sv,
    "\x03\x00\x88\x06\x03\xE8"
    "bye!"sv,
    "\x03\x00\x8A\x00\x89\x00"sv,
    "\x03\x00\xC2\x01x"sv,
    "\x03\x00\x80\x01x"sv,
    "\x03\x00\x02\x01x\x02\x01x"sv,
    "\x03\x00\x09\x01x"sv,
    "\x03\x00\x83\x01x"sv,
    "\x01\x00\x82\xFF\x00\x00\x00\x00\x00\x01\x00\x00\x01\x02\x03\x04"sv,
    "\x01\x00\x82\xFE\x00\x80\x01\x02\x03\x04"sv,
    "\x01\x00\x82\x02\xC0\x00"sv,
    "\x00\x10GET /mqtt HTTP/1.1\r\nHost: h\r\n\r\n"sv,
    "\x00\x10GET /other HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: keep-alive, "
    "Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"sv,
    "\x00\x00POST /mqtt HTTP/1.0\r\n\r\n"sv,
    "\x00\x40GET /mqtt HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: chat, mqttv3.1\r\n\r\n\x82\x81"sv,
    "\x00\x40GET /mqtt HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: chat\r\n\r\n"sv,
    "\x00\x40GET /mqtt?a=b HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=.\r\nSec-WebSocket-Version: 13\r\n\r\n"sv,
    "\x00\x40GET /mqtt HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 8\r\n\r\n"sv,
    "\x07\x20\x82\x02\xC0\x00"sv,
    "\x07\xA0\x82\x02\xC0\x00"sv,
};

}  // namespace dunlin::fuzz
