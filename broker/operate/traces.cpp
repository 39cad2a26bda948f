#include "broker/operate/traces.hpp"

#include <algorithm>

namespace dunlin::operate {

absl::StatusOr<trace_ptr> traces::start(trace_request r, const trace_limits& most,
                                        uint64_t now_ms) {
  r.milliseconds = std::min<uint64_t>(r.milliseconds, most.seconds_max * 1000ull);
  r.events_max = std::min(r.events_max, most.events_max);
  r.bytes_max = most.bytes_max;
  r.payload_bytes = std::min(r.payload_bytes, most.payload_bytes_max);
  const std::lock_guard lock(mutex_);
  for (const auto& [id, t] : all_)
    if (!t->over(now_ms) && t->request().client_id == r.client_id)
      return absl::AlreadyExistsError("this client is traced already, by trace " +
                                      std::to_string(id));
  while (all_.size() >= most.traces_max) {
    const size_t before = all_.size();
    forget_one_over(now_ms);
    if (all_.size() == before)
      return absl::ResourceExhaustedError(std::to_string(before) +
                                          " traces are running (trace.traces_max)");
  }
  auto t = std::make_shared<trace>(++last_id_, std::move(r), now_ms);
  all_.emplace(last_id_, t);
  running_.store(static_cast<uint32_t>(all_.size()), std::memory_order_relaxed);
  return t;
}

void traces::forget_one_over(uint64_t now_ms) {
  const auto it = std::find_if(all_.begin(), all_.end(),
                               [&](const auto& entry) { return entry.second->over(now_ms); });
  if (it != all_.end()) all_.erase(it);
}

trace_ptr traces::get(uint64_t id) const {
  const std::lock_guard lock(mutex_);
  const auto it = all_.find(id);
  return it == all_.end() ? nullptr : it->second;
}

bool traces::end(uint64_t id) {
  trace_ptr ended;
  {
    const std::lock_guard lock(mutex_);
    const auto it = all_.find(id);
    if (it == all_.end()) return false;
    ended = it->second;
    all_.erase(it);
    running_.store(static_cast<uint32_t>(all_.size()), std::memory_order_relaxed);
  }
  ended->end();
  return true;
}

std::vector<trace_ptr> traces::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<trace_ptr> out;
  for (const auto& [id, t] : all_) out.push_back(t);
  return out;
}

trace_ptr traces::find(std::string_view client_id, uint64_t now_ms) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, t] : all_)
    if (t->request().client_id == client_id && !t->over(now_ms)) return t;
  return nullptr;
}

}  // namespace dunlin::operate
