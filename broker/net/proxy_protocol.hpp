// The header that a proxy puts in front of a connection to tell whose it is: the PROXY protocol,
// versions 1 (a line of text) and 2 (binary). Pure: bytes in, one of three answers out.
//
// Used by transport.cpp; fuzzed.   auto r = parse_proxy_header(bytes);
//   std::get_if<proxy_header>(&r)->source   // "192.0.2.1:4711"
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>

namespace dunlin::net {

struct proxy_need_more {};
struct proxy_malformed {
  std::string_view why;
};
struct proxy_header {
  // "192.0.2.1:4711", "[2001:db8::1]:4711"; empty: the connection is the proxy's own (LOCAL) or its
  // source is not known, and the socket's address stays.
  std::string source;
  size_t size = 0;  // of the whole header; what follows is the client's
};
using proxy_result = std::variant<proxy_need_more, proxy_header, proxy_malformed>;

// A header is at most this long; longer ones (a version 2 header says so at once) are malformed.
inline constexpr size_t proxy_header_bytes_max = 4096;

proxy_result parse_proxy_header(std::string_view bytes);

}  // namespace dunlin::net
