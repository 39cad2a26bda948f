// Where a load goes: an address, and what is spoken between the socket and MQTT.
//
// Used by options.hpp (--target, --verify-embedded), the worker and channel.hpp.
//   endpoint e;  std::string wrong = resolve("--target", "wss://127.0.0.1:8084/mqtt", false, e);
#pragma once

#include <sys/socket.h>

#include <string>

namespace dunlin::load {

struct endpoint {
  std::string text;  // as given
  sockaddr_storage address{};
  socklen_t length = 0;

  bool tls = false;
  bool websocket = false;
  std::string host;       // as named, without brackets: for the certificate
  std::string authority;  // host:port, as in an HTTP request
  std::string path;       // of the WebSocket

  bool layered() const { return tls || websocket; }
};

// "host:port" and "mqtt://host:port" (TCP), "tls://host:port", "ws://host:port/path",
// "wss://host:port/path", "unix:///path". Empty when all went well, otherwise what is wrong; the
// broker is not touched. Addresses beyond loopback need allow_remote.
std::string resolve(const char* option, const std::string& text, bool allow_remote, endpoint& out);

}  // namespace dunlin::load
