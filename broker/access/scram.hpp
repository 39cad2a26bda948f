// SCRAM-SHA-256 (RFC 5802, 7677), the server's side, without channel binding: both ends prove that
// they know the password, and neither the wire nor the server's file shows it.
//
// Pure: the server's nonce is passed in. Used by the handshake and the session for the AUTH packets
// of MQTT 5.0 section 4.12.
//   scram_exchange x;
//   x.begin(client_first, nonce, find)  ->  the server-first-message, or nothing: refused
//   x.finish(client_final)              ->  the server-final-message, or nothing: refused
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace dunlin::access {

inline constexpr std::string_view scram_method = "SCRAM-SHA-256";
inline constexpr uint32_t scram_iterations_min = 4096;     // RFC 7677
inline constexpr uint32_t scram_iterations_max = 100'000;  // a check takes a reactor's time

inline constexpr size_t nonce_bytes = 18;  // of the server's nonce, before base64

// What a server keeps of a password. Salt and keys are raw bytes.
struct scram_verifier {
  uint32_t iterations = scram_iterations_min;
  std::string salt, stored_key, server_key;
};

scram_verifier make_verifier(std::string_view password, std::string salt, uint32_t iterations);
// "SCRAM-SHA-256$4096:SALT$STORED:SERVER", the last three in base64 (PostgreSQL's form).
std::optional<scram_verifier> parse_verifier(std::string_view text);
std::string to_string(const scram_verifier& v);
// Whether the password is the verifier's; takes the time of its iterations.
bool verify_password(const scram_verifier& v, std::string_view password);

class scram_exchange {
 public:
  // The verifier of a user. It answers for an unknown user too, with one that nobody can match.
  using find_user = std::function<scram_verifier(std::string_view name)>;

  std::optional<std::string> begin(std::string_view client_first, std::string_view server_nonce,
                                   const find_user& find);
  std::optional<std::string> finish(std::string_view client_final) const;
  const std::string& user() const { return user_; }  // known after begin()

 private:
  scram_verifier verifier_;
  std::string user_;
  std::string channel_;   // what the client must repeat in c=, in base64
  std::string nonce_;     // both parts
  std::string messages_;  // client-first-message-bare "," server-first-message ","
};

}  // namespace dunlin::access
