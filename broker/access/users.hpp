// The users of the configuration (access.users): who may connect with a password or by
// SCRAM-SHA-256.
//
// Immutable, part of the settings snapshot; a reload makes a new table. A name that is not in it
// behaves like one with another password: same answers, same salt every time, same work.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <string>
#include <string_view>

#include "broker/access/scram.hpp"

namespace dunlin::access {

class user_table {
 public:
  // The secret makes the salts of passwords and of names that do not exist.
  explicit user_table(std::string secret) : secret_(std::move(secret)) {}

  // Takes a millisecond: all verifiers are made here, so that the first use of one tells nothing.
  void add_password(std::string_view name, std::string_view password);
  void add_verifier(std::string_view name, scram_verifier v);

  bool empty() const { return users_.empty(); }
  bool check_password(std::string_view name, std::string_view password) const;
  scram_verifier verifier(std::string_view name) const;

 private:
  struct user {
    std::string digest;  // of the password under the secret; empty: known by its verifier alone
    scram_verifier verifier;
  };
  const user* find(std::string_view name) const;
  std::string salt_of(std::string_view name) const;
  scram_verifier nobody(std::string_view name) const;

  std::string secret_;
  absl::flat_hash_map<std::string, user> users_;
  bool slow_ = false;  // some are known by verifier alone: every check takes its time
};

}  // namespace dunlin::access
