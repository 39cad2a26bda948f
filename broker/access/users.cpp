#include "broker/access/users.hpp"

#include "broker/access/crypto.hpp"

namespace dunlin::access {

void user_table::add_password(std::string_view name, std::string_view password) {
  users_[std::string(name)] = {hmac_sha256(secret_, password),
                               make_verifier(password, salt_of(name), scram_iterations_min)};
}

void user_table::add_verifier(std::string_view name, scram_verifier v) {
  users_[std::string(name)] = {{}, std::move(v)};
  slow_ = true;
}

const user_table::user* user_table::find(std::string_view name) const {
  const auto it = users_.find(absl::string_view(name.data(), name.size()));
  return it == users_.end() ? nullptr : &it->second;
}

std::string user_table::salt_of(std::string_view name) const {
  constexpr size_t salt_bytes = 16;
  return hmac_sha256(secret_, "salt " + std::string(name)).substr(0, salt_bytes);
}

// Keys that no password has.
scram_verifier user_table::nobody(std::string_view name) const {
  const std::string who(name);
  return {scram_iterations_min, salt_of(name), hmac_sha256(secret_, "stored " + who),
          hmac_sha256(secret_, "server " + who)};
}

scram_verifier user_table::verifier(std::string_view name) const {
  const user* u = find(name);
  return u ? u->verifier : nobody(name);
}

bool user_table::check_password(std::string_view name, std::string_view password) const {
  const user* u = find(name);
  if (slow_) return verify_password(u ? u->verifier : nobody(name), password);
  const bool same = equal(hmac_sha256(secret_, password), u ? u->digest : secret_);
  return u && same;
}

}  // namespace dunlin::access
