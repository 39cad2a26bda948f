// Changes to the tree from outside the file, in this order: environment, then --set.
//
//   --set listeners.0.address=127.0.0.1:1884     a key's path; a list's entries are numbered from
//   0, and the number after
//                                                the last adds one
//   DUNLIN_LISTENERS_0_ADDRESS=127.0.0.1:1884    the same path in upper case, "_" for "."; which
//   "_" is part of a name
//                                                and which parts two is told by the schema
// The value of a single key is taken as it is; a whole section or list is given as YAML: --set
// cluster.seeds=[a, b].
#pragma once

#include <google/protobuf/descriptor.h>

#include <string>
#include <utility>
#include <vector>

#include "broker/config/node.hpp"

namespace dunlin::configuration {

using setting = std::pair<std::string, std::string>;  // name, value

// `settings`: "K=V" each.
void apply_settings(const std::vector<std::string>& settings,
                    const google::protobuf::Descriptor& schema, node& tree, faults& wrong);
// Names that do not begin with DUNLIN_ are left alone; one that does and names no key is not a
// fault (Kubernetes sets DUNLIN_PORT and the like for a service of that name) but is told in
// `warnings`, unless it has the form of those.
void apply_environment(const std::vector<setting>& environment,
                       const google::protobuf::Descriptor& schema, node& tree, faults& wrong,
                       std::vector<std::string>& warnings);

// Every path that an environment name (without DUNLIN_) can mean; more than one is a fault of the
// schema.
std::vector<std::vector<std::string>> paths_of(std::string_view name,
                                               const google::protobuf::Descriptor& schema);

}  // namespace dunlin::configuration
