// The configuration read again while the node runs: from the same file, environment and --set, in
// the same order, checked as a whole before anything changes.
//
// Used by serve.cpp, on its main thread; pure but for the file that it reads.
//   reloader r(loaded);
//   reload_outcome o = r.run([&](const config& wanted, const changes& c) { ...; return faults; });
#pragma once

#include <functional>

#include "broker/config.hpp"
#include "broker/operate/change.hpp"

namespace dunlin::operate {

class reloader {
 public:
  explicit reloader(const loaded_config& started) : started_(started), now_(started) {}

  // Puts the wanted configuration in force and says what it could not do, one line each: then
  // nothing has changed.
  using apply = std::function<std::vector<std::string>(const config& wanted, const changes&)>;
  reload_outcome run(const apply& put_in_force);

  const loaded_config& now() const { return now_; }

 private:
  loaded_config started_;  // what keys that need a restart still have
  loaded_config now_;
};

}  // namespace dunlin::operate
