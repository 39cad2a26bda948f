#include "broker/core/retained.hpp"

namespace dunlin::core {

bool retained::set(const mqtt::message_ptr& m) {
  auto it = by_topic_.find(m->topic());
  if (m->payload().empty()) {
    if (it != by_topic_.end()) drop(it);
    return true;
  }
  const uint64_t size = m->footprint();
  if (it != by_topic_.end()) {
    const uint64_t before = it->second->footprint();
    if (bytes_ - before + size > limits_.bytes_max) return false;
    bytes_ = bytes_ - before + size;
    it->second = m;
    return true;
  }
  if (by_topic_.size() >= limits_.messages_max || bytes_ + size > limits_.bytes_max) return false;
  bytes_ += size;
  by_topic_.emplace(std::string(m->topic()), m);
  return true;
}

}  // namespace dunlin::core
