#include "broker/access/authenticate.hpp"

namespace dunlin::access {

using mqtt::reason;

verdict authenticate(const mqtt::connect& c, const policy& p, std::string_view certificate_user) {
  const bool with_users = p.users && !p.users->empty();
  if (c.props.authentication_method) {
    if (*c.props.authentication_method != scram_method)
      return {reason::bad_authentication_method, "the authentication method is not SCRAM-SHA-256"};
    if (!with_users)
      return {reason::bad_authentication_method, "access.users is empty: there is no one to be"};
    return {.exchange = true};
  }
  if (!certificate_user.empty()) return {.user = certificate_user};
  if (c.user_name && with_users) {
    if (!p.users->check_password(*c.user_name, c.password.value_or("")))
      return {reason::bad_user_name_or_password, "user name or password is wrong"};
    return {.user = *c.user_name};
  }
  if (!p.anonymous)
    return {reason::not_authorized, "access.anonymous is off and no credentials were given"};
  return {.user = c.user_name.value_or("")};
}

}  // namespace dunlin::access
