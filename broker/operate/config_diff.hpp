// What differs between two configurations, and when each difference comes into force: the `reload`
// option of a key or of the section around it (proto/config.proto). Pure.
//
//   for (const change& c : compare(old, now)) ...   // limits.queue_messages_max: 100000 -> 50, at
//   once
#pragma once

#include "broker/operate/change.hpp"
#include "proto/config.pb.h"

namespace dunlin::operate {

// Entries of a list are matched by their name or id where they have one, else by their place.
changes compare(const proto::Config& from, const proto::Config& to);

// The keys of which neither they nor a section around them say what a reload does. None, says a
// test.
std::vector<std::string> unclassified_keys();

}  // namespace dunlin::operate
