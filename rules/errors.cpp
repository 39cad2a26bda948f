#include "rules/errors.hpp"

#include <caf/make_message.hpp>
#include <caf/message.hpp>
#include <utility>

namespace dunlin::rules {

caf::error make_error(ec code, std::string detail) {
  if (detail.empty()) detail = std::string(name(code));
  return {static_cast<uint8_t>(code), error_category, caf::make_message(std::move(detail))};
}

std::string_view name(ec code) {
  switch (code) {
    case ec::none:
      return "none";
    case ec::spool_full:
      return "spool_full";
    case ec::overloaded:
      return "overloaded";
    case ec::store_failed:
      return "store_failed";
    case ec::stopping:
      return "stopping";
    case ec::bad_records:
      return "bad_records";
  }
  return "unknown";
}

}  // namespace dunlin::rules
