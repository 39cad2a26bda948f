#include "broker/serve.hpp"

#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <iostream>

#include "base/log.hpp"
#include "base/version.hpp"
#include "broker/node.hpp"

namespace dunlin {
namespace {

constexpr std::chrono::milliseconds drain_max{10'000};

// Every connection is a file descriptor.
void raise_open_files() {
  rlimit l{};
  if (::getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
    l.rlim_cur = l.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &l);
  }
}

sigset_t end_signals() {
  sigset_t s;
  ::sigemptyset(&s);
  ::sigaddset(&s, SIGTERM);
  ::sigaddset(&s, SIGINT);
  return s;
}

}  // namespace

int serve(const loaded_config& loaded) {
  raise_open_files();
  // Blocked in every thread that is made from here on; this one waits for them.
  const sigset_t signals = end_signals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  node_config c;
  c.limits = to_options(loaded.values);
  c.reactors = loaded.values.node().reactors();
  for (const auto& l : loaded.values.listeners()) c.listeners.push_back(l.address());
  c.version = std::string(version);
  node n(std::move(c));
  if (auto s = n.open(); !s.ok()) {
    std::cerr << s.message() << "\n";
    return 2;
  }
  n.start_core();
  n.start_listeners();
  for (const auto& a : n.addresses()) log::info("listening", {{"address", a}});
  log::info("ready", {{"version", version}});
  int got = 0;
  ::sigwait(&signals, &got);
  log::info("stopping", {{"signal", got}});
  n.drain(drain_max);
  n.stop();
  log::info("stopped");
  std::cerr.flush();
  std::quick_exit(0);
}

}  // namespace dunlin
