// rocketmq_sender's work through rocketmq_queue: messages made one by one, as a rule makes them.
// Same arguments.
#include <condition_variable>
#include <mutex>
#include <utility>

#include "rules/rocketmq_queue.hpp"
#include "tests/bench/send_bench.hpp"

namespace dunlin::bench {
namespace {

class sender {
 public:
  explicit sender(const send_options& o)
      : options_(o), queue_(rules::make_rocketmq_queue({.endpoint = o.endpoint})), score_(o) {}

  int run() {
    free_ = options_.in_flight;
    std::unique_lock lock(mutex_);
    while (going_) {
      changed_.wait(lock, [this] { return free_ > 0 || !going_; });
      for (; going_ && free_ > 0; --free_) {
        lock.unlock();
        send();
        lock.lock();
      }
    }
    changed_.wait(lock, [this] { return free_ == options_.in_flight; });
    queue_->close();
    return score_.print("rocketmq_queue");
  }

 private:
  void send() {
    std::vector<rules::queue_message> batch(static_cast<size_t>(options_.batch));
    for (auto& m : batch) {
      m.body.assign(static_cast<size_t>(options_.bytes), 'x');
      m.message_id = "bench-" + std::to_string(++id_);
    }
    queue_->send(options_.topic, std::move(batch),
                 [this, at = send_score::clock::now()](rules::queue_result r) {
                   const std::lock_guard lock(mutex_);
                   going_ &= score_.answered(r.what == rules::outcome::ok, r.error, at);
                   ++free_;
                   changed_.notify_one();
                 });
  }

  const send_options options_;
  std::shared_ptr<rules::message_queue> queue_;
  std::mutex mutex_;
  std::condition_variable changed_;
  send_score score_;
  int free_ = 0;
  bool going_ = true;
  uint64_t id_ = 0;
};

}  // namespace
}  // namespace dunlin::bench

int main(int argc, char** argv) {
  const auto o = dunlin::bench::parse_send_options(argc, argv);
  return o ? dunlin::bench::sender(*o).run() : dunlin::bench::usage(argv[0]);
}
