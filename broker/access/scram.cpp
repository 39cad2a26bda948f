#include "broker/access/scram.hpp"

#include <algorithm>
#include <charconv>

#include "broker/access/crypto.hpp"

namespace dunlin::access {

namespace {

// Takes "x=value" off the front up to the next comma; nothing when it is another attribute.
std::optional<std::string_view> take(std::string_view& text, char name) {
  if (text.size() < 2 || text[0] != name || text[1] != '=') return {};
  const size_t end = std::min(text.find(','), text.size());
  const auto value = text.substr(2, end - 2);
  text.remove_prefix(std::min(end + 1, text.size()));
  return value;
}

// "=2C" is a comma and "=3D" an equals sign (RFC 5802, saslname).
std::optional<std::string> unescape(std::string_view name) {
  std::string out;
  for (size_t i = 0; i < name.size(); ++i) {
    if (name[i] != '=') {
      out += name[i];
      continue;
    }
    const auto code = name.substr(i + 1, 2);
    if (code != "2C" && code != "3D") return {};
    out += code == "2C" ? ',' : '=';
    i += 2;
  }
  if (out.empty()) return {};
  return out;
}

// gs2-header: no channel binding, and nobody acts for somebody else.
std::optional<std::string_view> take_gs2_header(std::string_view& text) {
  const std::string_view whole = text;
  if (!text.starts_with("n,,") && !text.starts_with("y,,")) return {};
  text.remove_prefix(3);
  return whole.substr(0, 3);
}

}  // namespace

scram_verifier make_verifier(std::string_view password, std::string salt, uint32_t iterations) {
  const std::string salted = pbkdf2_sha256(password, salt, iterations);
  return {iterations, std::move(salt), sha256(hmac_sha256(salted, "Client Key")),
          hmac_sha256(salted, "Server Key")};
}

std::optional<scram_verifier> parse_verifier(std::string_view text) {
  if (!text.starts_with(scram_method)) return {};
  text.remove_prefix(scram_method.size());
  const size_t colon = text.find(':'), dollar = text.find('$', 1);
  if (text.empty() || text[0] != '$' || colon == std::string_view::npos ||
      dollar == std::string_view::npos || dollar < colon)
    return {};
  scram_verifier v;
  const auto number = text.substr(1, colon - 1);
  const auto [end, wrong] =
      std::from_chars(number.data(), number.data() + number.size(), v.iterations);
  if (wrong != std::errc() || end != number.data() + number.size() ||
      v.iterations < scram_iterations_min || v.iterations > scram_iterations_max)
    return {};
  const auto keys = text.substr(dollar + 1);
  const size_t middle = keys.find(':');
  if (middle == std::string_view::npos) return {};
  const auto salt = from_base64(text.substr(colon + 1, dollar - colon - 1));
  const auto stored = from_base64(keys.substr(0, middle));
  const auto server = from_base64(keys.substr(middle + 1));
  constexpr size_t key_bytes = 32;
  if (!salt || salt->empty() || !stored || stored->size() != key_bytes || !server ||
      server->size() != key_bytes)
    return {};
  v.salt = *salt;
  v.stored_key = *stored;
  v.server_key = *server;
  return v;
}

std::string to_string(const scram_verifier& v) {
  return std::string(scram_method) + '$' + std::to_string(v.iterations) + ':' + to_base64(v.salt) +
         '$' + to_base64(v.stored_key) + ':' + to_base64(v.server_key);
}

bool verify_password(const scram_verifier& v, std::string_view password) {
  return equal(make_verifier(password, v.salt, v.iterations).stored_key, v.stored_key);
}

std::optional<std::string> scram_exchange::begin(std::string_view client_first,
                                                 std::string_view server_nonce,
                                                 const find_user& find) {
  const auto header = take_gs2_header(client_first);
  if (!header) return {};
  const std::string_view bare = client_first;
  const auto name = take(client_first, 'n');
  const auto nonce = name ? take(client_first, 'r') : std::nullopt;
  if (!nonce || nonce->empty()) return {};
  const auto user = unescape(*name);
  if (!user) return {};
  user_ = *user;
  channel_ = to_base64(*header);
  nonce_.assign(*nonce).append(server_nonce);
  verifier_ = find(user_);
  const std::string server_first = "r=" + nonce_ + ",s=" + to_base64(verifier_.salt) +
                                   ",i=" + std::to_string(verifier_.iterations);
  messages_.assign(bare).append(",").append(server_first).append(",");
  return server_first;
}

std::optional<std::string> scram_exchange::finish(std::string_view client_final) const {
  const size_t at = client_final.rfind(",p=");
  if (messages_.empty() || at == std::string_view::npos) return {};
  const auto without_proof = client_final.substr(0, at);
  auto rest = without_proof;
  const auto channel = take(rest, 'c');
  const auto nonce = channel ? take(rest, 'r') : std::nullopt;
  if (!nonce || *channel != channel_ || !equal(*nonce, nonce_)) return {};
  const auto proof = from_base64(client_final.substr(at + 3));
  if (!proof || proof->size() != verifier_.stored_key.size()) return {};
  const std::string all = messages_ + std::string(without_proof);
  std::string client_key = hmac_sha256(verifier_.stored_key, all);
  for (size_t i = 0; i < client_key.size(); ++i) client_key[i] ^= (*proof)[i];
  if (!equal(sha256(client_key), verifier_.stored_key)) return {};
  return "v=" + to_base64(hmac_sha256(verifier_.server_key, all));
}

}  // namespace dunlin::access
