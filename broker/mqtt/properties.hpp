// Walking and building the encoded properties that a PUBLISH carries on to its subscribers (MQTT 5, section 2.2.2.2).
//
// Used by rules (user properties out of a message, into a message) and the session. The encoded form is the one of
// publish_properties::forwarded: properties one after the other, without the length in front.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "broker/mqtt/packet.hpp"

namespace dunlin::mqtt {

// The parts of an encoded block that decode_publish has checked. An undefined block ends the walk.
publish_properties parse_forwarded(std::string_view forwarded);
void for_each_user_property(std::string_view forwarded, const std::function<void(const user_property&)>& f);

void append_payload_is_utf8(std::string& out);
void append_content_type(std::string_view value, std::string& out);
void append_response_topic(std::string_view value, std::string& out);
void append_correlation_data(std::string_view value, std::string& out);
void append_user_property(const user_property& p, std::string& out);

}  // namespace dunlin::mqtt
