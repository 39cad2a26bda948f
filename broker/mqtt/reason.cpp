#include "broker/mqtt/reason.hpp"

namespace dunlin::mqtt {

std::string_view to_string(reason r) {
  switch (r) {
#define DUNLIN_REASON(name) \
  case reason::name:        \
    return #name
    DUNLIN_REASON(success);
    DUNLIN_REASON(granted_qos_1);
    DUNLIN_REASON(granted_qos_2);
    DUNLIN_REASON(disconnect_with_will);
    DUNLIN_REASON(no_matching_subscribers);
    DUNLIN_REASON(no_subscription_existed);
    DUNLIN_REASON(continue_authentication);
    DUNLIN_REASON(reauthenticate);
    DUNLIN_REASON(unspecified_error);
    DUNLIN_REASON(malformed_packet);
    DUNLIN_REASON(protocol_error);
    DUNLIN_REASON(implementation_specific_error);
    DUNLIN_REASON(unsupported_protocol_version);
    DUNLIN_REASON(client_identifier_not_valid);
    DUNLIN_REASON(bad_user_name_or_password);
    DUNLIN_REASON(not_authorized);
    DUNLIN_REASON(server_unavailable);
    DUNLIN_REASON(server_busy);
    DUNLIN_REASON(banned);
    DUNLIN_REASON(server_shutting_down);
    DUNLIN_REASON(bad_authentication_method);
    DUNLIN_REASON(keep_alive_timeout);
    DUNLIN_REASON(session_taken_over);
    DUNLIN_REASON(topic_filter_invalid);
    DUNLIN_REASON(topic_name_invalid);
    DUNLIN_REASON(packet_identifier_in_use);
    DUNLIN_REASON(packet_identifier_not_found);
    DUNLIN_REASON(receive_maximum_exceeded);
    DUNLIN_REASON(topic_alias_invalid);
    DUNLIN_REASON(packet_too_large);
    DUNLIN_REASON(message_rate_too_high);
    DUNLIN_REASON(quota_exceeded);
    DUNLIN_REASON(administrative_action);
    DUNLIN_REASON(payload_format_invalid);
    DUNLIN_REASON(retain_not_supported);
    DUNLIN_REASON(qos_not_supported);
    DUNLIN_REASON(use_another_server);
    DUNLIN_REASON(server_moved);
    DUNLIN_REASON(shared_subscriptions_not_supported);
    DUNLIN_REASON(connection_rate_exceeded);
    DUNLIN_REASON(maximum_connect_time);
    DUNLIN_REASON(subscription_identifiers_not_supported);
    DUNLIN_REASON(wildcard_subscriptions_not_supported);
#undef DUNLIN_REASON
  }
  return "unknown";
}

std::string_view explain(reason r) {
  switch (r) {
    case reason::not_authorized:
      return "this client may not do that with this topic";
    case reason::topic_filter_invalid:
      return "the filter is longer or deeper than the server allows";
    case reason::topic_name_invalid:
      return "the topic is longer or deeper than the server allows";
    case reason::packet_identifier_in_use:
      return "the packet identifier is in use";
    case reason::quota_exceeded:
      return "over a limit of the server, or of a rule that takes this topic";
    case reason::message_rate_too_high:
      return "more messages in a time than the server allows";
    case reason::payload_format_invalid:
      return "the payload is not UTF-8, which its format indicator says it is";
    case reason::shared_subscriptions_not_supported:
      return "shared subscriptions are switched off";
    case reason::subscription_identifiers_not_supported:
      return "subscription identifiers are switched off";
    case reason::wildcard_subscriptions_not_supported:
      return "wildcard subscriptions are switched off";
    default:
      return to_string(r);
  }
}

uint8_t to_v3_return_code(reason r) {
  constexpr uint8_t server_unavailable = 3;  // also what 3.x has no code of its own for
  switch (r) {
    case reason::success:
      return 0;
    case reason::unsupported_protocol_version:
      return 1;
    case reason::client_identifier_not_valid:
      return 2;
    case reason::bad_user_name_or_password:
    case reason::bad_authentication_method:
      return 4;
    case reason::not_authorized:
    case reason::banned:
      return 5;
    default:
      return server_unavailable;
  }
}

}  // namespace dunlin::mqtt
