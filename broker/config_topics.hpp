// The topics section of the configuration in its compiled form.
#pragma once

#include "broker/config.hpp"
#include "broker/topic_settings.hpp"

namespace dunlin {

topic_settings to_topic_settings(const config& c);

}  // namespace dunlin
