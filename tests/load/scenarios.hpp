// The scenarios: which clients there are, what they do, and what is read off afterwards.
//
// Used by main. Each file scenario_*.cpp makes clients with their roles, lets the engine run them
// and fills an outcome.
#pragma once

#include <string>

#include "tests/load/engine.hpp"
#include "tests/load/options.hpp"
#include "tests/load/report.hpp"

namespace dunlin::load {

outcome run(const options& o);

// One for each file.
outcome run_traffic(const options& o);  // fan-in, fan-out, pairs, shared
outcome run_idle(const options& o);     // connect, subscribe
outcome run_retained(const options& o);
outcome run_rules(const options& o);

// Shared steps.
std::unique_ptr<publisher> make_publisher(uint32_t id, std::string topic);
std::unique_ptr<subscriber> make_subscriber(std::string filter);
// connect() and, if wanted, subscribe(); fills the outcome's figures, and its error when not all
// clients made it.
bool set_up(engine& e, bool subscribe, outcome& r);
// Ends the workers, verifies and fills in the rest.
void finish(const options& o, engine& e, outcome& r);

}  // namespace dunlin::load
