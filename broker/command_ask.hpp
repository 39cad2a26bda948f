// What the commands that ask a running node have in common. Private to commands*.cpp.
#pragma once

#include <optional>
#include <string>

#include "broker/api/http_client.hpp"
#include "broker/api/json.hpp"
#include "broker/commands.hpp"
#include "proto/api.pb.h"

namespace dunlin::commands {

inline constexpr int ok = 0, failed = 1, wrong_configuration = 2;

// The answer, or nothing after telling why there is none.
std::optional<api::http_reply> ask(const node_command& c, const std::string& method,
                                   const std::string& path, const std::string& body = {});
// Others' bytes on a terminal: no control characters.
std::string printable(const std::string& s);
// Tells an answer that is an error; `failed`.
int refused(const api::http_reply& r);

}  // namespace dunlin::commands
