// The configured message queue in the form that rules/ takes.
//
// Used by main.cpp:  uses_rocketmq(c) ? make_rocketmq_queue(to_rocketmq(c)) :
// open_embedded_queue(to_embedded_queue(c))
#pragma once

#include "broker/config.hpp"
#include "rules/embedded_queue.hpp"
#include "rules/rocketmq_queue.hpp"

namespace dunlin {

bool uses_rocketmq(const config& c);
rules::rocketmq_options to_rocketmq(const config& c);
rules::embedded_queue_options to_embedded_queue(const config& c);

}  // namespace dunlin
