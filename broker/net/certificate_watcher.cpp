#include "broker/net/certificate_watcher.hpp"

#include <chrono>

#include "base/log.hpp"

namespace dunlin::net {
namespace {

constexpr std::chrono::milliseconds look_every{500};

}  // namespace

bool reload_certificates(transport& t, std::vector<tls_fault>& wrong) {
  const size_t before = wrong.size();
  if (t.tls()->reload(wrong)) {
    const auto m = t.tls()->now();
    log::info("certificates_reloaded",
              {{"listener", t.name()}, {"subject", m->subject}, {"not_after", m->not_after}});
    return true;
  }
  for (size_t i = before; i < wrong.size(); ++i)
    log::error("certificates_refused", {{"listener", t.name()},
                                        {"key", "tls." + wrong[i].key},
                                        {"why", wrong[i].what},
                                        {"hint", wrong[i].hint},
                                        {"in_use", "the former certificates"}});
  return false;
}

void certificate_watcher::start(const std::vector<transport_ptr>& all) {
  watched_.clear();
  stopping_ = false;
  for (const auto& t : all)
    if (t->tls()) watched_.push_back(t);
  if (!watched_.empty()) thread_ = std::thread([this] { run(); });
}

void certificate_watcher::stop() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void certificate_watcher::run() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, look_every, [this] { return stopping_; })) {
    lock.unlock();
    for (const auto& t : watched_) {
      std::vector<tls_fault> wrong;
      if (t->tls()->files_changed()) reload_certificates(*t, wrong);
    }
    lock.lock();
  }
}

}  // namespace dunlin::net
