// Any client-first- and client-final-message (the first newline parts them) against a SCRAM
// exchange, and any text as base64 and as a verifier: nobody gets in without the password.
//   bazel build --config=fuzz //tests/fuzz:scram_fuzz
#include <cstdint>
#include <string>
#include <string_view>

#include "broker/access/crypto.hpp"
#include "broker/access/scram.hpp"
#include "tests/fuzz/require.hpp"

namespace dunlin::access {
namespace {

using fuzz::require;

constexpr std::string_view nonce = "%hvYDpWUa2RaTCAfuxFIlj";

const std::string& salted() {
  static const std::string s = pbkdf2_sha256("pencil", "salt", scram_iterations_min);
  return s;
}
const scram_verifier& verifier() {
  static const scram_verifier v = make_verifier("pencil", "salt", scram_iterations_min);
  return v;
}

// The proof of a client that knows the password, for whatever it is that it sends.
std::string proof_of(const std::string& messages) {
  std::string key = hmac_sha256(salted(), "Client Key");
  const std::string signature = hmac_sha256(verifier().stored_key, messages);
  for (size_t i = 0; i < key.size(); ++i) key[i] = static_cast<char>(key[i] ^ signature[i]);
  return to_base64(key);
}

void check_exchange(std::string_view first, std::string_view last) {
  scram_exchange x;
  const auto challenge = x.begin(first, nonce, [](std::string_view) { return verifier(); });
  if (!challenge) {
    require(!x.finish(last), "an exchange that did not begin has ended");
    return;
  }
  require(challenge->find(nonce) != std::string::npos, "the server's nonce is in its message");
  require(!x.user().empty());
  const size_t at = last.rfind(",p=");
  const std::string_view without = last.substr(0, at);
  const std::string messages =
      std::string(first.substr(3)) + "," + *challenge + "," + std::string(without);
  const bool in = x.finish(last).has_value();
  if (at == std::string_view::npos)
    require(!in, "in without a proof");
  else
    require(!in || last.substr(at + 3) == proof_of(messages), "in with another proof");
  // With the right proof only the channel and the nonce decide.
  const std::string nonces = challenge->substr(2, challenge->find(",s=") - 2);
  const auto begins = "c=" + to_base64(first.substr(0, 3)) + ",r=" + nonces;
  const bool right = x.finish(std::string(without) + ",p=" + proof_of(messages)).has_value();
  require(right == (without == begins || without.substr(0, begins.size() + 1) == begins + ","),
          "the right proof for the right nonce, and only for that");
}

void check_text(std::string_view text) {
  if (const auto bytes = from_base64(text))
    require(from_base64(to_base64(*bytes)) == *bytes, "base64 comes back as it was");
  require(from_base64(to_base64(text)) == text);
  if (const auto v = parse_verifier(text)) {
    const auto again = parse_verifier(to_string(*v));
    require(again && to_string(*again) == to_string(*v), "a verifier comes back as it was");
  }
}

}  // namespace
}  // namespace dunlin::access

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  dunlin::access::check_text(text.substr(0, 4096));
  const size_t newline = text.find('\n');
  if (newline != std::string_view::npos)
    dunlin::access::check_exchange(text.substr(0, newline), text.substr(newline + 1));
  return 0;
}
