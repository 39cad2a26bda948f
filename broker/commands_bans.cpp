// dunlin bans: list, add, remove.
#include <ctime>
#include <iostream>
#include <utility>

#include "broker/command_ask.hpp"

namespace dunlin {

using namespace commands;

namespace {

api::Ban about(const ban_command& b) {
  api::Ban what;
  if (!b.client.empty()) what.set_client_id(b.client);
  if (!b.user.empty()) what.set_user_name(b.user);
  if (!b.address.empty()) what.set_address(b.address);
  return what;
}

// What it is about, as the API names it, and its value.
std::pair<const char*, std::string> subject(const api::Ban& b) {
  if (b.has_client_id()) return {"client_id", b.client_id()};
  if (b.has_user_name()) return {"user_name", b.user_name()};
  return {"address", b.address()};
}

std::string until(double at_ms) {
  if (at_ms <= 0) return "for ever";
  const auto seconds = static_cast<time_t>(at_ms / 1000);
  tm t{};
  ::gmtime_r(&seconds, &t);
  char text[40];
  std::strftime(text, sizeof text, "until %Y-%m-%dT%H:%M:%SZ", &t);
  return text;
}

void print(const api::Ban& b) {
  const auto [kind, value] = subject(b);
  std::cout << kind << ' ' << printable(value) << "  " << until(b.until_ms()) << "  ("
            << b.source();
  if (!b.by().empty()) std::cout << ", by " << printable(b.by());
  std::cout << ')';
  if (!b.reason().empty()) std::cout << "  " << printable(b.reason());
  std::cout << '\n';
}

}  // namespace

int list_bans(const node_command& c) {
  const auto reply = ask(c, "GET", "/api/v1/bans");
  if (!reply) return failed;
  api::Bans all;
  if (reply->status != 200 || api::from_json(reply->body, all)) return refused(*reply);
  if (c.json) {
    std::cout << reply->body;
    return ok;
  }
  if (all.bans().empty()) std::cout << "nobody is banned\n";
  for (const auto& b : all.bans()) print(b);
  return ok;
}

int add_ban(const node_command& c, const ban_command& b) {
  api::Ban what = about(b);
  what.set_seconds(b.seconds);
  what.set_reason(b.reason);
  what.set_by(b.by);
  const auto reply = ask(c, "POST", "/api/v1/bans", api::to_json(what));
  if (!reply) return failed;
  api::Ban told;
  if (reply->status != 201 || api::from_json(reply->body, told)) return refused(*reply);
  if (c.json)
    std::cout << reply->body;
  else
    print(told);
  return ok;
}

int remove_ban(const node_command& c, const ban_command& b) {
  const auto [kind, value] = subject(about(b));
  const auto reply =
      ask(c, "DELETE", std::string("/api/v1/bans/") + kind + "/" + api::percent_encode(value));
  if (!reply) return failed;
  if (reply->status != 200) return refused(*reply);
  std::cout << "removed\n";
  return ok;
}

}  // namespace dunlin
