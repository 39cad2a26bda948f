#include "broker/command_ask.hpp"

#include <iostream>

namespace dunlin::commands {

constexpr std::chrono::milliseconds answer_max{35'000};  // a long poll and more

// The answer, or nothing after telling why there is none.
std::optional<api::http_reply> ask(const node_command& c, const std::string& method,
                                   const std::string& path, const std::string& body) {
  const auto to = api::parse_url(c.url);
  if (!to.ok()) {
    std::cerr << std::string(to.status().message()) << '\n';
    return {};
  }
  auto reply = api::call(*to, method, path, body, answer_max);
  if (!reply.ok()) {
    std::cerr << std::string(reply.status().message()) << '\n';
    return {};
  }
  return std::move(*reply);
}

std::string printable(const std::string& s) {
  std::string out;
  for (const char c : s) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '.' : c;
  return out;
}

int refused(const api::http_reply& r) {
  api::Error e;
  if (api::from_json(r.body, e))
    std::cerr << "the node answered " << r.status << '\n';
  else
    std::cerr << e.error() << (e.hint().empty() ? "" : ". Hint: " + e.hint()) << '\n';
  return failed;
}

}  // namespace dunlin::commands
