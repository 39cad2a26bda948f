// The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677).
//
//   scram_client c{"ann", "secret"};  send(c.first());  send(c.final(challenge));
#pragma once

#include <cstdint>
#include <string>

#include "broker/access/crypto.hpp"

namespace dunlin::fakes {

struct scram_client {
  std::string name = "ann", password = "secret", nonce = "fyko+d2lbbFgONRv9qkxdawL";

  std::string bare() const { return "n=" + name + ",r=" + nonce; }
  std::string first() const { return "n,," + bare(); }
  std::string final(const std::string& server_first) const {
    const size_t s = server_first.find(",s="), i = server_first.find(",i=");
    const auto salt = access::from_base64(server_first.substr(s + 3, i - s - 3)).value_or("");
    const auto n = static_cast<uint32_t>(std::stoul(server_first.substr(i + 3)));
    std::string key = access::hmac_sha256(salted(salt, n), "Client Key");
    const std::string without = "c=biws," + server_first.substr(0, s);
    const auto signature =
        access::hmac_sha256(access::sha256(key), bare() + "," + server_first + "," + without);
    for (size_t k = 0; k < key.size(); ++k) key[k] ^= signature[k];
    return without + ",p=" + access::to_base64(key);
  }

 private:
  // The slow part; kept for who asks often with the same salt.
  std::string salted(const std::string& salt, uint32_t iterations) const {
    static thread_local std::string of, result;
    const std::string now = password + '\n' + salt + '\n' + std::to_string(iterations);
    if (of != now) result = access::pbkdf2_sha256(password, salt, iterations), of = now;
    return result;
  }
};

}  // namespace dunlin::fakes
