// What may change while the node runs, as one immutable snapshot.
//
// Made from the configuration (settings.cpp), published by directory::put(), read on every reactor
// through directory::now(). A reload publishes a new snapshot; whoever holds a reference to an
// older one goes on with it for the rest of its turn.
#pragma once

#include <memory>

#include "broker/access/users.hpp"
#include "broker/core/outgoing.hpp"
#include "broker/guard/limits.hpp"
#include "broker/mqtt_settings.hpp"
#include "broker/operate/trace_limits.hpp"
#include "broker/options.hpp"
#include "broker/topic_settings.hpp"

namespace dunlin {

struct settings {
  options limits;
  bool anonymous = true;                                 // clients without credentials are let in
  std::shared_ptr<const access::user_table> users = {};  // null: none
  mqtt_settings mqtt = {};
  guard::policy guard = {};  // bans, rates, overload
  topic_settings topics = {};
  operate::trace_limits trace = {};
  uint32_t reactors_min = 1;  // that are in use, whatever the load is

  // A part of `limits` in the form that a session's queue takes; made by directory::put().
  core::outgoing::limits queue = {};
};

}  // namespace dunlin
