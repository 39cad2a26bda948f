// The HTTP request that opens a WebSocket, and its answer. Pure; Boost.Beast's HTTP parser stays
// behind this header.
//
// Used by websocket.cpp.   auto a = answer_upgrade(head, "/mqtt");   a.refusal == none: open
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace dunlin::net {

enum class websocket_refusal : uint8_t {
  none,
  malformed,      // not HTTP/1.1, or a broken key
  too_large,      // the request head is over websocket_head_bytes_max
  not_websocket,  // plain HTTP
  path,           // another path than the listener's
  version,        // another WebSocket version than 13
  subprotocol,    // "mqtt" is not offered
};
inline constexpr size_t websocket_refusals = 7;
inline constexpr size_t websocket_head_bytes_max = 8192;

constexpr const char* to_string(websocket_refusal r) {
  constexpr const char* names[] = {"none", "malformed", "too_large",  "not_websocket",
                                   "path", "version",   "subprotocol"};
  return names[static_cast<size_t>(r)];
}

struct upgrade_answer {
  websocket_refusal refusal = websocket_refusal::none;
  std::string response;  // whole; after a refusal the connection ends
};

// `head` is the request up to and with its empty line.
upgrade_answer answer_upgrade(std::string_view head, std::string_view path);
// The answer to a head that grows beyond websocket_head_bytes_max.
upgrade_answer refuse_too_large();

}  // namespace dunlin::net
