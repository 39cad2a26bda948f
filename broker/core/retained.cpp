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
    const uint64_t before = (*it)->footprint();
    if (bytes_ - before + size > limits_.bytes_max) return false;
    bytes_ = bytes_ - before + size;
    const_cast<mqtt::message_ptr&>(*it) = m;  // its place is the topic's, which is the same
    return true;
  }
  if (by_topic_.size() >= limits_.messages_max || bytes_ + size > limits_.bytes_max) return false;
  bytes_ += size;
  by_topic_.insert(m);
  return true;
}

}  // namespace dunlin::core
