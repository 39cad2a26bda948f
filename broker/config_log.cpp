#include "broker/config_log.hpp"

#include "base/log.hpp"

namespace dunlin {
namespace {

log::level level_of(const config& c) {
  switch (c.log().level()) {
    case proto::Log::DEBUG:
      return log::level::debug;
    case proto::Log::INFO:
      return log::level::info;
    case proto::Log::WARN:
      return log::level::warn;
    case proto::Log::ERROR:
      return log::level::error;
    case proto::Log::OFF:
      return log::level::off;
  }
  return log::level::info;
}

}  // namespace

void configure_log(const config& c) {
  log::configure(level_of(c),
                 c.log().format() == proto::Log::JSON ? log::format::json : log::format::text);
}

}  // namespace dunlin
