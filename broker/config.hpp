// The configuration of a node: one YAML file, the environment and --set, checked as a whole before
// anything listens.
//
// Used by cli.cpp and main.cpp.
//   auto loaded = load_config({.file = "dunlin.yaml", .settings =
//   {"http.address=127.0.0.1:8081"}}); if (!loaded.ok()) std::cerr << loaded.status().message(); //
//   FILE:LINE:COL: key: what is wrong. Hint: ... options o = to_options(loaded->values);
// What is set later wins: defaults (and limits.preset), the file, the environment, --set. Every
// key: proto/config.proto; how the environment and --set name a key: broker/config/override.hpp.
#pragma once

#include <absl/status/statusor.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "broker/options.hpp"
#include "proto/config.pb.h"

namespace dunlin {

using config = proto::Config;

struct config_source {
  std::string file = {};                   // empty: none; the defaults
  std::vector<std::string> settings = {};  // "KEY=VALUE" each
  std::vector<std::pair<std::string, std::string>> environment =
      {};  // every variable; those of others are left alone
};

struct loaded_config {
  config values;
  // Where each key that is not at its default was set: "listeners.0.address" -> "dunlin.yaml:5:43",
  // "--set", "environment DUNLIN_LISTENERS_0_ADDRESS", "limits.preset: product".
  std::map<std::string, std::string> origins;
  std::vector<std::string> warnings;  // one line each
  std::string file;                   // that was read; empty: none
  config_source source;               // to read it again
};

// Files over config_bytes_max are refused.
inline constexpr size_t config_bytes_max = 4 << 20;

absl::StatusOr<loaded_config> load_config(const config_source& from);
// The same from text, as if it stood in `from.file`.
absl::StatusOr<loaded_config> parse_config(const std::string& text, const config_source& from);

options to_options(const config& c);

// Where the key that a message begins with ("http.address: ...") was set: "dunlin.yaml:5:43",
// "--set".
std::string place_of(const loaded_config& c, absl::string_view message);

// Every key with its value and origin, one line each (http.address: "127.0.0.1:8080"  # default),
// or as one JSON object; secrets hidden.
std::string show_config(const loaded_config& c);
std::string show_config_json(const loaded_config& c);

// The addresses of a configuration that load_config has accepted.
struct socket_address {
  std::string host;
  uint16_t port = 0;
};
socket_address to_socket_address(const std::string& text);

}  // namespace dunlin
