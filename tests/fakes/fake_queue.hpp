// A message queue in a test's hands: it takes what it is sent, answers when the test says so, gives
// what the test has.
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "rules/message_queue.hpp"

namespace dunlin::rules {

class fake_queue : public message_queue {
 public:
  struct nacked {
    queue_message message;
    std::chrono::milliseconds delay;
  };

  // send() answers with these in order, then ok.
  std::deque<queue_result> outcomes;
  send_limits its_limits{.messages_max = 1024,
                         .bytes_max = 4 << 20,
                         .body_bytes_max = 4 << 20,
                         .mixed_properties = true};
  bool keep_sent = true;

  std::vector<queue_message> sent;  // with ok
  uint64_t sends = 0;
  std::vector<queue_message> acked;
  std::vector<nacked> nacks;

  // Answers the receive that waits longest.
  bool give(std::vector<queue_message> messages) {
    return answer_receive({{}, std::move(messages)});
  }
  bool answer_receive(received r) {
    std::function<void(received)> done;
    {
      std::lock_guard lock(mutex_);
      if (waiting_.empty()) return false;
      done = std::move(waiting_.front());
      waiting_.pop_front();
    }
    done(std::move(r));
    return true;
  }
  size_t waiting() const {
    std::lock_guard lock(mutex_);
    return waiting_.size();
  }

  send_limits limits() const override { return its_limits; }
  void send(const std::string&, std::vector<queue_message> batch,
            std::function<void(queue_result)> done) override {
    queue_result r;
    {
      std::lock_guard lock(mutex_);
      ++sends;
      if (!outcomes.empty()) {
        r = outcomes.front();
        outcomes.pop_front();
      }
      if (r.what == outcome::ok && keep_sent) {
        for (auto& m : batch) sent.push_back(std::move(m));
      }
    }
    done(std::move(r));
  }
  void receive(const receive_request&, std::function<void(received)> done) override {
    std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(done));
  }
  void ack(const std::string&, const std::string&, std::vector<queue_message> messages,
           std::function<void(queue_result)> done) override {
    {
      std::lock_guard lock(mutex_);
      for (auto& m : messages) acked.push_back(std::move(m));
    }
    done({});
  }
  void nack(const std::string&, const std::string&, queue_message message,
            std::chrono::milliseconds delay, std::function<void(queue_result)> done) override {
    {
      std::lock_guard lock(mutex_);
      nacks.push_back({std::move(message), delay});
    }
    done({});
  }
  void close() override {
    while (answer_receive({{outcome::retry, 0, "closed"}, {}})) {
    }
  }

 private:
  mutable std::mutex mutex_;
  std::deque<std::function<void(received)>> waiting_;
};

}  // namespace dunlin::rules
