// Any bytes as a PROXY header: the answer does not depend on what follows a header, and no part of
// one is taken for the whole.
//   bazel build --config=fuzz //tests/fuzz:proxy_fuzz
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "broker/net/proxy_protocol.hpp"
#include "tests/fuzz/require.hpp"

namespace dunlin::net {
namespace {

using fuzz::require;

bool is_address(std::string_view source) {
  const size_t colon = source.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const std::string port(source.substr(colon + 1));
  if (port.empty() || port.size() > 5 || std::stoul(port) > 65'535) return false;
  return source.find_first_not_of("0123456789abcdefABCDEF.:[]") == std::string_view::npos;
}

void check_header(std::string_view bytes, const proxy_header& h) {
  require(h.size > 0 && h.size <= bytes.size() && h.size <= proxy_header_bytes_max, "its size");
  require(h.source.empty() || is_address(h.source), "a source that is no address: " + h.source);
  for (size_t n = 0; n < h.size; ++n)
    require(std::holds_alternative<proxy_need_more>(parse_proxy_header(bytes.substr(0, n))),
            "a part was taken for the whole");
  const auto alone = parse_proxy_header(bytes.substr(0, h.size));
  const auto* same = std::get_if<proxy_header>(&alone);
  require(same && same->size == h.size && same->source == h.source, "what follows changed it");
}

void check(std::string_view bytes) {
  const auto result = parse_proxy_header(bytes);
  if (const auto* h = std::get_if<proxy_header>(&result)) return check_header(bytes, *h);
  if (const auto* m = std::get_if<proxy_malformed>(&result)) {
    require(!m->why.empty(), "malformed without a reason");
    const auto longer = parse_proxy_header(std::string(bytes) + "x");
    require(std::holds_alternative<proxy_malformed>(longer), "more bytes made it good");
    return;
  }
  require(bytes.size() < proxy_header_bytes_max, "waits without a bound");
}

}  // namespace
}  // namespace dunlin::net

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  dunlin::net::check({reinterpret_cast<const char*>(data), size});
  return 0;
}
