#include "broker/config_settings.hpp"

namespace dunlin {

settings to_settings(const config& c) {
  settings s;
  s.limits = to_options(c);
  s.anonymous = c.access().anonymous();
  return s;
}

}  // namespace dunlin
