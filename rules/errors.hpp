// Why a rule did not take messages: the codes of the errors that rules answer, category "rules".
//
// Used by the rules' actors and by who asks them.
//   if (e.category() == rules::error_category && static_cast<ec>(e.code()) == ec::spool_full) ...
#pragma once

#include <caf/error.hpp>
#include <cstdint>
#include <string>
#include <string_view>

namespace dunlin::rules {

enum class ec : uint8_t {
  none,
  spool_full,    // spool_bytes_max is reached: the message queue has been away, or slower than the
                 // devices, too long
  overloaded,    // more waits to be written than the disk keeps up with (unwritten_bytes_max)
  store_failed,  // the spool could not be written: disk full or failing; the rule's last error says
                 // which
  stopping,      // the rule is being stopped or changed
  bad_records,   // the request's bytes are not `count` records: a fault of the sender
};

inline const caf::atom_value error_category = caf::atom("rules");

caf::error make_error(ec code, std::string detail = {});

// "spool_full", ... for logs and metrics.
std::string_view name(ec code);

}  // namespace dunlin::rules
