#include "tests/load/endpoint.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cstring>
#include <string_view>

namespace dunlin::load {
namespace {

constexpr std::string_view default_path = "/mqtt";

struct scheme {
  std::string_view name;
  bool tls, websocket;
};
constexpr scheme schemes[] = {{"mqtt", false, false}, {"tcp", false, false}, {"tls", true, false},
                              {"mqtts", true, false}, {"ssl", true, false},  {"ws", false, true},
                              {"wss", true, true}};

bool is_loopback(const sockaddr* a) {
  if (a->sa_family == AF_INET) {
    return ntohl(reinterpret_cast<const sockaddr_in*>(a)->sin_addr.s_addr) >> 24 == 127;
  }
  return a->sa_family == AF_INET6 &&
         IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6*>(a)->sin6_addr);
}

std::string resolve_unix(const std::string& path, endpoint& out) {
  auto& a = reinterpret_cast<sockaddr_un&>(out.address);
  if (path.empty() || path[0] != '/') return "unix:///PATH is needed";
  if (path.size() >= sizeof a.sun_path) {
    return "the path of a Unix socket has at most " + std::to_string(sizeof a.sun_path - 1) +
           " bytes";
  }
  a.sun_family = AF_UNIX;
  std::memcpy(a.sun_path, path.c_str(), path.size() + 1);
  out.length = sizeof a;
  return {};
}

std::string resolve_host(std::string rest, bool allow_remote, endpoint& out) {
  if (const size_t slash = rest.find('/'); slash != std::string::npos) {
    if (!out.websocket) return "a path belongs to ws:// and wss:// alone";
    out.path = rest.substr(slash);
    rest.resize(slash);
  } else if (out.websocket) {
    out.path = default_path;
  }
  const size_t colon = rest.rfind(':');
  if (colon == std::string::npos) return "host:port is needed";
  out.authority = rest;
  out.host = rest.substr(0, colon);
  if (out.host.size() > 1 && out.host.front() == '[' && out.host.back() == ']')
    out.host = out.host.substr(1, out.host.size() - 2);
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  const int failed = getaddrinfo(out.host.c_str(), rest.c_str() + colon + 1, &hints, &found);
  if (failed != 0) return gai_strerror(failed);
  std::memcpy(&out.address, found->ai_addr, found->ai_addrlen);
  out.length = found->ai_addrlen;
  freeaddrinfo(found);
  if (allow_remote || is_loopback(reinterpret_cast<const sockaddr*>(&out.address))) return {};
  return "is not a loopback address; --allow-remote if this load is wanted there";
}

std::string resolve_text(const std::string& text, bool allow_remote, endpoint& out) {
  const size_t mark = text.find("://");
  if (mark == std::string::npos) return resolve_host(text, allow_remote, out);
  const std::string_view name(text.data(), mark);
  const std::string rest = text.substr(mark + 3);
  if (name == "unix") return resolve_unix(rest, out);
  for (const scheme& s : schemes) {
    if (s.name != name) continue;
    out.tls = s.tls;
    out.websocket = s.websocket;
    return resolve_host(rest, allow_remote, out);
  }
  return "mqtt://, tls://, ws://, wss:// or unix:// is needed";
}

}  // namespace

std::string resolve(const char* option, const std::string& text, bool allow_remote, endpoint& out) {
  out = {};
  out.text = text;
  std::string wrong = resolve_text(text, allow_remote, out);
  if (wrong.empty()) return {};
  return std::string(option) + " " + text + ": " + wrong;
}

}  // namespace dunlin::load
