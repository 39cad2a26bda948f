// Who is banned: by client ID, by user name, by address. Pure; node_guard.hpp owns one and locks
// it.
//
// A look-up is a hash of the ID, one of the user name, and one for each prefix length in use.
//   list.add({ban_kind::address, "10.0.0.0/8"});
//   if (const ban* b = list.find({.client_id = "c1", .address = ip}, now_ms)) ...
#pragma once

#include <absl/container/flat_hash_map.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/guard/address.hpp"
#include "broker/guard/ban.hpp"

namespace dunlin::guard {

struct who {
  std::string_view client_id = {};
  std::string_view user_name = {};  // empty: none
  std::optional<ip> address = {};
};

class ban_list {
 public:
  // Its value in the form in which it is kept ("10.1.2.3/8" is "10.0.0.0/8"); nothing when it is
  // not an address, or empty.
  static std::optional<std::string> normal_value(ban_kind k, std::string_view value);

  // Replaces one of the same kind and value. The value must be normal.
  void add(ban b);
  bool remove(ban_kind k, std::string_view value);
  const ban* get(ban_kind k, std::string_view value) const;
  // The ban that holds for them now; the address is looked at first.
  const ban* find(const who& w, int64_t now_ms) const;
  const ban* find_address(const ip& a, int64_t now_ms) const;

  size_t remove_expired(int64_t now_ms);
  size_t remove_if(const std::function<bool(const ban&)>& which);
  std::vector<ban> all() const;  // by kind, then value
  size_t size() const;

 private:
  using by_text = absl::flat_hash_map<std::string, ban>;
  using by_base = absl::flat_hash_map<ip, ban>;

  by_text& texts(ban_kind k) { return k == ban_kind::client_id ? clients_ : users_; }
  const by_text& texts(ban_kind k) const { return k == ban_kind::client_id ? clients_ : users_; }

  by_text clients_, users_;
  std::map<uint8_t, by_base, std::greater<>> networks_;  // by bits: the most exact first
};

}  // namespace dunlin::guard
