// Private to the session: what it keeps of a client that came in by an authentication method.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "broker/access/scram.hpp"
#include "broker/session.hpp"

namespace dunlin {

struct session::authentication {
  explicit authentication(std::string who) : user(std::move(who)) {}

  std::string user;
  std::unique_ptr<access::scram_exchange> exchange;  // while it authenticates again
};

template <class Packet>
bool session::put(const Packet& p, mqtt::packet_type type, uint32_t packet_bytes_max) {
  std::string& out = conn_->out();
  const size_t at = out.size();
  mqtt::encode(p, ver_, out);
  if (out.size() - at > packet_bytes_max) {
    out.resize(at);
    return false;
  }
  home().count().packets_sent[type].add();
  return true;
}

}  // namespace dunlin
