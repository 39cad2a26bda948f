// A message that could not be handed on for good, and why. Kept by the spool, shown by the API.
#pragma once

#include <cstdint>
#include <string>

namespace dunlin::rules {

struct dead_letter {
  int64_t time_ms = 0;  // since the epoch
  int code = 0;         // the message queue's, 0 when the rule itself refused it
  std::string reason;
  std::string record;  // one record (record.hpp); what cannot be one (damaged bytes) as it is
};

}  // namespace dunlin::rules
