// Writes proto/envelope.proto's Envelope straight from records, without an object for each message.
// Pure.
//
// Used by outbound with format: envelope.
//   std::string body = envelope_head(source);
//   for (...) append_to_envelope(message, sequence, expiry_left, body);
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "rules/record.hpp"

namespace dunlin::rules {

std::string envelope_head(std::string_view source);

// `expiry_s` takes the place of the message's own, which began when it was born.
void append_to_envelope(const device_message& m, uint64_t sequence,
                        std::optional<uint32_t> expiry_s, std::string& body);

}  // namespace dunlin::rules
