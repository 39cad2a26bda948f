// The members of one shared subscription and whose turn it is (MQTT 5.0 section 4.8.2).
//
// Round robin over the members that are connected and not held back; when there is none, over those
// connected; then over all, so that a persistent member that is offline still gets the message
// queued. Pure.
#pragma once

#include <cstddef>
#include <vector>

namespace dunlin::core {

// Member has ready() (connected and welcome), online() and operator==.
template <class Member>
class shared_group {
 public:
  std::vector<Member>& members() { return members_; }

  const Member* pick() {
    const size_t n = members_.size();
    const Member *online = nullptr, *any = nullptr;
    size_t online_at = 0, any_at = 0;
    for (size_t i = 0; i < n; ++i) {
      const size_t at = (next_ + i) % n;
      const Member& m = members_[at];
      if (m.ready()) {
        next_ = at + 1;
        return &m;
      }
      if (!online && m.online()) online = &m, online_at = at;
      if (!any) any = &m, any_at = at;
    }
    if (online) {
      next_ = online_at + 1;
      return online;
    }
    if (any) next_ = any_at + 1;
    return any;
  }

 private:
  std::vector<Member> members_;
  size_t next_ = 0;
};

}  // namespace dunlin::core
