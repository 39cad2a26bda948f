// The few primitives of cryptography that access control needs, over OpenSSL.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dunlin::access {

std::string sha256(std::string_view data);
std::string hmac_sha256(std::string_view key, std::string_view data);
std::string pbkdf2_sha256(std::string_view password, std::string_view salt, uint32_t iterations);
// In a time that does not depend on where they differ.
bool equal(std::string_view a, std::string_view b);
std::string random_bytes(size_t n);

std::string to_base64(std::string_view bytes);
std::optional<std::string> from_base64(std::string_view text);

}  // namespace dunlin::access
