// One key of the configuration that a reload found changed, for people.
#pragma once

#include <string>
#include <vector>

namespace dunlin::operate {

enum class in_force { at_once, new_connections, after_restart };

struct change {
  std::string key;       // "limits.queue_messages_max", "listeners.tls" (entries by their name)
  std::string from, to;  // secrets hidden; empty: the entry was not there
  in_force when = in_force::at_once;
};
using changes = std::vector<change>;

inline const char* to_string(in_force w) {
  return w == in_force::at_once           ? "at once"
         : w == in_force::new_connections ? "new connections"
                                          : "after a restart";
}

// What a reload did, or why it did nothing.
struct reload_outcome {
  std::string file = {};                 // that was read; empty: none
  std::vector<std::string> faults = {};  // file:line:column, key, what, hint; none: it is in force
  std::vector<std::string> warnings = {};
  changes changed = {};        // since the last reload
  changes needs_restart = {};  // against what the node was started with
};

}  // namespace dunlin::operate
