// Looks at the certificate files of listeners and loads them again when they change.
//
// Used by the node; a thread of its own, asleep but for a few stat() calls a second, and none
// without TLS: reading a large CRL must not hold up a reactor, and files of a Kubernetes secret are
// replaced behind symbolic links, which inotify does not see.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "broker/net/transport.hpp"

namespace dunlin::net {

// Loads them again, now, and logs what came of it; false: what was in use stays.
bool reload_certificates(transport& t, std::vector<tls_fault>& wrong);

class certificate_watcher {
 public:
  ~certificate_watcher() { stop(); }
  void start(const std::vector<transport_ptr>& all);
  void stop();

 private:
  void run();

  std::vector<transport_ptr> watched_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace dunlin::net
