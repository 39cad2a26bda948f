// Walking and building the encoded properties that a PUBLISH carries on to its subscribers (MQTT 5,
// section 2.2.2.2).
//
// Used by rules (user properties out of a message, into a message) and the session. The encoded
// form is the one of publish_properties::forwarded: properties one after the other, without the
// length in front.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "broker/mqtt/packet.hpp"

namespace dunlin::mqtt {

// The parts of an encoded block that decode_publish has checked. An undefined property ends the
// walk. Both also accept a block that needs the filter.
publish_properties parse_forwarded(std::string_view forwarded);
void for_each_user_property(std::string_view forwarded,
                            const std::function<void(const user_property&)>& f);

// The properties of `p.forwarded` that go on to subscribers, and nothing else: how many bytes, and
// a copy to `out` (which has room for them); answers the end of what it wrote.
size_t forwarded_size(const publish_properties& p);
char* copy_forwarded(const publish_properties& p, char* out);
void append_forwarded(const publish_properties& p, std::string& out);

// The same for `p.subscription_identifiers`.
size_t subscription_identifiers_size(const publish_properties& p);
char* copy_subscription_identifiers(const publish_properties& p, char* out);
void for_each_subscription_identifier(std::string_view subscription_identifiers,
                                      const std::function<void(uint32_t)>& f);
void append_subscription_identifier(uint32_t id, std::string& out);

void append_payload_is_utf8(std::string& out);
void append_content_type(std::string_view value, std::string& out);
void append_response_topic(std::string_view value, std::string& out);
void append_correlation_data(std::string_view value, std::string& out);
void append_user_property(const user_property& p, std::string& out);

}  // namespace dunlin::mqtt
