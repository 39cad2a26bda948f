// What only several keys together, or the machine, can tell: two rules with one id, a rule without
// its queue, addresses, the data directory. Runs before anything listens.
#pragma once

#include "broker/config/fill.hpp"
#include "broker/config/node.hpp"
#include "proto/config.pb.h"

namespace dunlin::configuration {

void check(const proto::Config& c, const origins& from, const node& tree, faults& wrong,
           std::vector<std::string>& warnings);
// Tells whether the data directory is there and usable, or can be created; creates nothing.
void check_data_dir(const std::string& path, const place& where, faults& wrong);

}  // namespace dunlin::configuration
