// AUTH: a client authenticates again on its connection (MQTT 5.0 section 4.12.1).
#include "broker/access/crypto.hpp"
#include "broker/mqtt/encode.hpp"
#include "broker/session_authentication.hpp"

namespace dunlin {

using mqtt::reason;

bool session::on_auth(const mqtt::frame& f) {
  auto result = mqtt::decode_auth(f, ver_);
  if (const auto* m = std::get_if<mqtt::malformed>(&result)) return fail(m->code, m->why);
  const mqtt::auth& a = *std::get_if<mqtt::auth>(&result);
  if (!authentication_)  // [MQTT-4.12.0-6]
    return fail(reason::protocol_error, "AUTH, and CONNECT had no authentication method");
  if (a.props.authentication_method.value_or("") != access::scram_method)  // [MQTT-4.12.0-5]
    return fail(reason::protocol_error, "AUTH with another authentication method than CONNECT");
  switch (a.code) {
    case reason::reauthenticate:
      return begin_reauthentication(a);
    case reason::continue_authentication:
      return finish_reauthentication(a);
    default:
      return fail(reason::protocol_error, "an AUTH that only a server sends");
  }
}

// What fails here ends the connection [MQTT-4.12.1-2]; the reason does not tell what was wrong.
bool session::begin_reauthentication(const mqtt::auth& a) {
  const auto users = directory_.now().users;
  if (!users) return fail(reason::not_authorized, "authentication failed");
  auto x = std::make_unique<access::scram_exchange>();
  const auto challenge = x->begin(a.props.authentication_data.value_or(""),
                                  access::to_base64(access::random_bytes(access::nonce_bytes)),
                                  [&](std::string_view name) { return users->verifier(name); });
  if (!challenge || x->user() != authentication_->user)
    return fail(reason::not_authorized, "authentication failed");
  authentication_->exchange = std::move(x);
  send_auth(reason::continue_authentication, *challenge);
  return conn_ != nullptr;
}

bool session::finish_reauthentication(const mqtt::auth& a) {
  const auto x = std::move(authentication_->exchange);
  if (!x) return fail(reason::protocol_error, "AUTH that continues nothing");
  const auto answer = x->finish(a.props.authentication_data.value_or(""));
  if (!answer) return fail(reason::not_authorized, "authentication failed");
  send_auth(reason::success, *answer);
  return conn_ != nullptr;
}

void session::send_auth(reason code, std::string_view data) {
  mqtt::auth a;
  a.code = code;
  a.props.authentication_method = access::scram_method;
  a.props.authentication_data = data;
  if (!put(a, mqtt::packet_type::auth, outgoing_.client().packet_bytes_max))
    fail(reason::packet_too_large, "AUTH is over the client's maximum packet size");
}

}  // namespace dunlin
