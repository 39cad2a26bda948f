// A ban: who may not connect, until when, and who said so. A plain value.
#pragma once

#include <cstdint>
#include <string>

namespace dunlin::guard {

enum class ban_kind : uint8_t { client_id, user_name, address };
enum class ban_source : uint8_t {
  config,    // guard.bans: lives as long as the configuration says so
  api,       // made at run time: kept on disk
  flapping,  // made by the node: kept on disk
};

struct ban {
  ban_kind kind = ban_kind::client_id;
  std::string value;  // the client ID or user name; "10.0.0.0/8" or "2001:db8::/32"
  std::string reason = {};
  std::string by = {};
  int64_t since_ms = 0;  // wall clock
  int64_t until_ms = 0;  // 0: for ever
  ban_source source = ban_source::api;

  bool over(int64_t now_ms) const { return until_ms != 0 && until_ms <= now_ms; }
};

inline const char* to_string(ban_kind k) {
  constexpr const char* names[] = {"client_id", "user_name", "address"};
  return names[static_cast<int>(k)];
}
inline const char* to_string(ban_source s) {
  constexpr const char* names[] = {"config", "api", "flapping"};
  return names[static_cast<int>(s)];
}

}  // namespace dunlin::guard
