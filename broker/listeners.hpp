// The listeners of a node: opened together, each replaced by itself by a reload.
//
// A part of the node (node.hpp). Everything but numbers() and reload_certificates() belongs to one
// thread, the node's main one; what polls a socket runs on the first reactor, which the calls wait
// for.
//
//   listeners l(directory);  if (auto s = l.open(configured); !s.ok()) ...   l.start();
//   auto faults = l.change(wanted);   // none: these are the listeners now
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "broker/directory.hpp"
#include "broker/listener_profile.hpp"
#include "broker/metrics/listeners.hpp"
#include "broker/net/certificate_watcher.hpp"
#include "broker/net/tcp.hpp"
#include "broker/net/transport.hpp"

namespace dunlin {

class listeners {
 public:
  explicit listeners(directory& d) : directory_(d) {}

  // Loads certificates and binds; nothing is accepted yet. The error names the key.
  absl::Status open(const std::vector<listener_config>& configured);
  absl::Status start();
  // Makes these the listeners. One that is as it was goes on untouched; one that is gone, or
  // changed, accepts no more, and its connections go on; one that only changed takes over the
  // socket, so that nobody is turned away. What cannot be opened or loaded is told,
  // "listeners.1.address: ...", and nothing has changed.
  std::vector<std::string> change(const std::vector<listener_config>& wanted);
  void stop();

  // Reads the certificates, keys, CAs and CRLs of every listener again. What is wrong stays in use
  // as it was. Any thread.
  struct certificates_report {
    std::vector<std::string> reloaded;  // names of listeners
    std::vector<std::string> wrong;     // "listeners.1.tls.key: ... Hint: ..."
  };
  certificates_report reload_certificates();
  std::vector<metrics::listener_numbers> numbers() const;
  std::vector<std::string> addresses() const;  // as bound

 private:
  struct entry {
    listener_config config;
    net::transport_ptr transport;
    int fd = -1;  // until a socket has it
    std::string address;
    std::unique_ptr<net::tcp_listener> socket;
    entry* heir_of = nullptr;  // takes its socket
    bool handed_over = false;
  };
  using entries = std::vector<std::unique_ptr<entry>>;

  absl::Status prepare(entry& e, size_t index);
  static absl::StatusOr<int> bind(const listener_config& c);
  void make_socket(entry& e);
  std::unique_ptr<entry> take_same(const listener_config& wanted);
  entry* heritage(const listener_config& wanted) const;
  void replace(entries& next);
  void on_first_reactor(const std::function<void()>& f);
  std::vector<net::transport_ptr> transports() const;
  void tell_transports();

  directory& directory_;
  entries all_;  // as in the configuration
  mutable std::mutex mutex_;
  std::vector<net::transport_ptr> transports_;  // of all_, for other threads; guarded by mutex_
  // Sockets that accept no more: connections of theirs may still be on their way to a reactor.
  std::vector<std::unique_ptr<net::tcp_listener>> stopped_;
  net::certificate_watcher watcher_;
};

}  // namespace dunlin
