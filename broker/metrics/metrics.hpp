// All metrics of a node as one text: what GET /metrics answers.
//
// Used by broker/api through main.cpp:
//   render({&reactor0.count(), &reactor1.count()}, rule_statuses, read_process())
// Every metric, its unit and help stand in one table in metrics.cpp. Counters are read while they
// change, so the identity of counters.hpp holds exactly only when nothing is on its way.
#pragma once

#include <string>
#include <vector>

#include "broker/metrics/counters.hpp"
#include "broker/metrics/process.hpp"
#include "rules/rule_status.hpp"

namespace dunlin::metrics {

std::string render(const std::vector<const counters*>& reactors,
                   const std::vector<rules::rule_status>& rules, const process_usage& process);

// A sum over the reactors, for GET /api/v1/node and $SYS:  total(reactors, &counters::connections)
int64_t total(const std::vector<const counters*>& reactors, relaxed_counter counters::*which);

}  // namespace dunlin::metrics
