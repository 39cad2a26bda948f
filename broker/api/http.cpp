#include "broker/api/http.hpp"

#include "broker/api/json.hpp"
#include "proto/api.pb.h"

namespace dunlin::api {

namespace {

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view s, bool plus_is_space) {
  std::string out;
  for (size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '%') {
      if (i + 2 >= s.size() || hex(s[i + 1]) < 0 || hex(s[i + 2]) < 0) return {};
      out += static_cast<char>(hex(s[i + 1]) * 16 + hex(s[i + 2]));
      i += 2;
    } else {
      out += plus_is_space && s[i] == '+' ? ' ' : s[i];
    }
  }
  return out;
}

std::optional<std::map<std::string, std::string>> parse_query(std::string_view s) {
  std::map<std::string, std::string> out;
  while (!s.empty()) {
    const std::string_view field = s.substr(0, s.find('&'));
    s.remove_prefix(std::min(s.size(), field.size() + 1));
    if (field.empty()) continue;
    const size_t equals = field.find('=');
    const auto name = percent_decode(field.substr(0, equals), true);
    const auto value = percent_decode(equals == field.npos ? "" : field.substr(equals + 1), true);
    if (!name || !value) return {};
    out[*name] = *value;
  }
  return out;
}

response text_response(int status, std::string body) {
  return {status, "text/plain; charset=utf-8", std::move(body)};
}

response error_response(int status, std::string_view error, std::string_view hint) {
  Error e;
  e.set_error(clean(error));
  e.set_hint(clean(hint));
  return {status, "application/json", to_json(e)};
}

}  // namespace dunlin::api
