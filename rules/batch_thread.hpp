// A thread that takes everything that has arrived since it last ran, and handles it in one go: the
// form of group commit.
//
// Used by the spool and the embedded queue for what may block (disk). Items keep their order. The
// destructor handles what is left, then ends the thread; run on the thread itself (the last
// reference went in a callback) it does not wait.
//   batch_thread<int> t{[](std::vector<int>& items) { write(items); return
//   batch_thread<int>::no_wake; }}; t.push(1);  t.push_lazy(2);  // lazy: goes with the next push,
//   or after lazy_delay
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace dunlin::rules {

template <class Item>
class batch_thread {
 public:
  using clock = std::chrono::steady_clock;
  static constexpr clock::time_point no_wake = clock::time_point::max();
  static constexpr std::chrono::milliseconds lazy_delay{100};

  // `handle` gets the items (none when its own wake time came) and says when it wants to run again
  // at the latest.
  using handler = std::function<clock::time_point(std::vector<Item>&)>;

  explicit batch_thread(handler handle) : shared_(std::make_shared<shared>()) {
    shared_->handle = std::move(handle);
    thread_ = std::thread([s = shared_] { run(*s); });
  }
  batch_thread(const batch_thread&) = delete;
  batch_thread& operator=(const batch_thread&) = delete;
  ~batch_thread() {
    {
      std::lock_guard lock(shared_->mutex);
      shared_->stop = true;
    }
    shared_->changed.notify_one();
    if (thread_.get_id() == std::this_thread::get_id()) {
      thread_.detach();
    } else {
      thread_.join();
    }
  }

  void push(Item item) { add(std::move(item), true); }
  void push_lazy(Item item) { add(std::move(item), false); }

 private:
  struct shared {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<Item> items;
    bool urgent = false, stop = false;
    clock::time_point lazy_due = no_wake, wake = no_wake;
    handler handle;
  };

  void add(Item item, bool urgent) {
    bool notify;
    {
      std::lock_guard lock(shared_->mutex);
      shared_->items.push_back(std::move(item));
      notify = urgent ? !shared_->urgent : shared_->items.size() == 1;
      if (urgent) shared_->urgent = true;
      if (notify && !urgent) shared_->lazy_due = clock::now() + lazy_delay;
    }
    if (notify) shared_->changed.notify_one();
  }

  static void wait(shared& s, std::unique_lock<std::mutex>& lock) {
    while (!s.urgent && !s.stop) {
      auto due = std::min(s.wake, s.lazy_due);
      if (due == no_wake) {
        s.changed.wait(lock);
      } else if (s.changed.wait_until(lock, due) == std::cv_status::timeout) {
        return;
      }
    }
  }

  static void run(shared& s) {
    std::vector<Item> taken;
    while (true) {
      bool last;
      {
        std::unique_lock lock(s.mutex);
        wait(s, lock);
        taken.clear();
        taken.swap(s.items);
        s.urgent = false;
        s.lazy_due = no_wake;
        last = s.stop;
      }
      auto wake = s.handle(taken);
      taken.clear();  // before the next wait: an item's callback may hold the last reference to an
                      // actor
      std::lock_guard lock(s.mutex);
      s.wake = wake;
      if (last && s.items.empty()) break;
    }
  }

  std::shared_ptr<shared> shared_;
  std::thread thread_;
};

}  // namespace dunlin::rules
