// rocketmq_queue against a real RocketMQ 5: what it sends, receives, acks, gives back, and what it
// says of refusals.
//
// Started by rocketmq_queue.sh, which starts the server and makes the topics and groups; the names
// below are its.
//   RMQ_ENDPOINT=127.0.0.1:18081 rocketmq_queue_e2e --gtest_filter=RocketmqQueue.*
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <future>
#include <iostream>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "rules/rocketmq_queue.hpp"

namespace dunlin::rules {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

std::string env(const char* name, const char* otherwise = "") {
  const char* v = std::getenv(name);
  return v != nullptr ? v : otherwise;
}

rocketmq_options options_from_env() {
  rocketmq_options o;
  o.endpoint = env("RMQ_ENDPOINT", "127.0.0.1:8081");
  o.access_key = env("RMQ_ACCESS_KEY");
  o.secret_key = env("RMQ_SECRET_KEY");
  o.batch_full = env("RMQ_BATCH") == "full";
  return o;
}

// What a run sent is told from what another run left by this.
const std::string& run_id() {
  static const std::string id =
      std::to_string(std::chrono::system_clock::now().time_since_epoch().count());
  return id;
}

queue_message message(const std::string& body, std::vector<property> properties = {}) {
  static int made = 0;
  queue_message m;
  m.body = body;
  m.message_id = "E2E" + run_id() + "-" + std::to_string(++made);
  m.properties = std::move(properties);
  m.properties.emplace_back("run", run_id());
  return m;
}

bool of_this_run(const queue_message& m) {
  for (const auto& [name, value] : m.properties)
    if (name == "run" && value == run_id()) return true;
  return false;
}

std::string value_of(const queue_message& m, const std::string& name) {
  for (const auto& [key, value] : m.properties)
    if (key == name) return value;
  return {};
}

class RocketmqQueue : public ::testing::Test {
 protected:
  explicit RocketmqQueue(rocketmq_options o = options_from_env())
      : queue_(make_rocketmq_queue(o)) {}
  ~RocketmqQueue() override { queue_->close(); }

  queue_result send(const std::string& topic, std::vector<queue_message> batch) {
    std::promise<queue_result> p;
    queue_->send(topic, std::move(batch), [&](queue_result r) { p.set_value(std::move(r)); });
    return p.get_future().get();
  }
  // A topic's type is known to the proxy some seconds after the topic was made.
  queue_result send_until_ok(const std::string& topic, const std::vector<queue_message>& batch) {
    queue_result r;
    for (const auto end = clock::now() + 30s; clock::now() < end;
         std::this_thread::sleep_for(200ms))
      if (r = send(topic, batch); r.what == outcome::ok) break;
    return r;
  }
  received receive(receive_request what) {
    std::promise<received> p;
    queue_->receive(what, [&](received r) { p.set_value(std::move(r)); });
    return p.get_future().get();
  }
  queue_result ack(const std::string& topic, const std::string& group,
                   std::vector<queue_message> messages) {
    std::promise<queue_result> p;
    queue_->ack(topic, group, std::move(messages),
                [&](queue_result r) { p.set_value(std::move(r)); });
    return p.get_future().get();
  }
  queue_result nack(const std::string& topic, const std::string& group, queue_message m,
                    std::chrono::milliseconds delay) {
    std::promise<queue_result> p;
    queue_->nack(topic, group, std::move(m), delay,
                 [&](queue_result r) { p.set_value(std::move(r)); });
    return p.get_future().get();
  }
  // Receives and acks until n messages of this run have come; what other runs left is acked on the
  // way.
  std::vector<queue_message> take(const std::string& topic, const std::string& group, size_t n,
                                  std::chrono::seconds within = 40s) {
    std::vector<queue_message> out;
    for (const auto end = clock::now() + within; out.size() < n && clock::now() < end;) {
      auto r = receive(
          {.topic = topic, .group = group, .messages_max = 32, .wait = 5000ms, .invisible = 30s});
      EXPECT_EQ(r.result.what, outcome::ok) << r.result.error;
      if (r.result.what != outcome::ok) return out;
      if (!r.messages.empty()) {
        EXPECT_EQ(ack(topic, group, r.messages).what, outcome::ok);
      }
      for (auto& m : r.messages)
        if (of_this_run(m)) out.push_back(std::move(m));
    }
    return out;
  }

  std::shared_ptr<message_queue> queue_;
};

TEST_F(RocketmqQueue, SingleMessageArrivesWhole) {
  auto m =
      message(std::string("body\0with nul", 13), {{"clientId", "GID@@@d1"}, {"empty name", "ü 1"}});
  m.tag = "report";
  m.keys = {"k1", "k2"};
  m.born_ms = 1'700'000'000'123;
  const auto r = send_until_ok("dq_single", {m});
  ASSERT_EQ(r.what, outcome::ok) << r.error;
  const auto got = take("dq_single", "dq_single_group", 1);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].body, m.body);
  EXPECT_EQ(got[0].tag, "report");
  EXPECT_EQ(got[0].keys, m.keys);
  EXPECT_EQ(got[0].message_id, m.message_id);
  EXPECT_EQ(got[0].born_ms, m.born_ms);
  EXPECT_EQ(value_of(got[0], "clientId"), "GID@@@d1");
  EXPECT_EQ(value_of(got[0], "empty name"), "ü 1");
  EXPECT_EQ(got[0].attempt, 1u);
}

TEST_F(RocketmqQueue, BatchOfEqualPropertiesArrivesWhole) {
  std::vector<queue_message> batch;
  std::set<std::string> bodies;
  for (int i = 0; i < 500; ++i) {
    batch.push_back(message("b" + std::to_string(i), {{"kind", "batch"}}));
    batch.back().tag = "t";
    bodies.insert(batch.back().body);
  }
  const auto r = send_until_ok("dq_batch", batch);
  ASSERT_EQ(r.what, outcome::ok) << r.error;
  std::set<std::string> got;
  for (const auto& m : take("dq_batch", "dq_batch_group", 500)) {
    got.insert(m.body);
    EXPECT_EQ(value_of(m, "kind"), "batch");
    EXPECT_EQ(m.tag, "t");
  }
  EXPECT_EQ(got, bodies);
}

TEST_F(RocketmqQueue, BatchOfDifferentPropertiesIsRefusedUnlessTheServerCan) {
  auto a = message("a", {{"n", "1"}}), b = message("b", {{"n", "2"}});
  a.tag = "ta", b.tag = "tb";
  a.keys = {"ka"}, b.keys = {"kb"};
  const auto r = queue_->limits().mixed_properties ? send_until_ok("dq_mixed", {a, b})
                                                   : send("dq_mixed", {a, b});
  if (!queue_->limits().mixed_properties) {
    EXPECT_EQ(r.what, outcome::refused);
    return;
  }
  ASSERT_EQ(r.what, outcome::ok) << r.error;
  std::map<std::string, queue_message> got;
  for (auto& m : take("dq_mixed", "dq_mixed_group", 2)) got[m.body] = m;
  ASSERT_EQ(got.size(), 2u);
  // The fault of 5.3.3 and earlier: the second message has the first one's tag, keys, properties
  // and ID.
  const bool faulty = env("RMQ_BATCH_FAULT") == "1";
  EXPECT_EQ(got["b"].tag, faulty ? "ta" : "tb");
  EXPECT_EQ(got["b"].keys, std::vector<std::string>{faulty ? "ka" : "kb"});
  EXPECT_EQ(value_of(got["b"], "n"), faulty ? "1" : "2");
  EXPECT_EQ(got["b"].message_id, faulty ? a.message_id : b.message_id);
  EXPECT_EQ(value_of(got["a"], "n"), "1");
}

TEST_F(RocketmqQueue, FifoKeepsTheOrderOfEachGroup) {
  for (int i = 0; i < 10; ++i)
    for (const auto& device : {std::string("dev-0"), std::string("dev-1"), std::string(80, 'x')}) {
      auto m = message(device + ":" + std::to_string(i));
      m.message_group = device;
      const auto r = i == 0 ? send_until_ok("dq_fifo", {m}) : send("dq_fifo", {m});
      ASSERT_EQ(r.what, outcome::ok) << r.error;
    }
  std::map<std::string, std::vector<int>> got;
  size_t n = 0;
  for (const auto& m : take("dq_fifo", "dq_fifo_group", 30)) {
    const auto colon = m.body.find(':');
    got[m.body.substr(0, colon)].push_back(std::stoi(m.body.substr(colon + 1)));
    EXPECT_EQ(m.message_group.empty(), false);
    EXPECT_EQ(m.properties.size(), 1u) << "the server's own are left out";
    ++n;
  }
  EXPECT_EQ(n, 30u);
  for (const auto& [device, order] : got)
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9})) << device;
}

TEST_F(RocketmqQueue, OneMessageOfFourMebibytesGoesThrough) {
  auto m = message(std::string(4 << 20, 'x'));
  const auto r = send_until_ok("dq_big", {m});
  ASSERT_EQ(r.what, outcome::ok) << r.error;
  const auto got = take("dq_big", "dq_big_group", 1);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].body.size(), m.body.size());
}

// In local mode, at least, the limits here are the server's: what is refused here never reaches it,
// so they are not told apart by the outcome; rocketmq_limits_test holds the texts.
TEST_F(RocketmqQueue, WhatTheServerWouldRefuseIsRefusedWithAReason) {
  const auto too_big = send("dq_single", {message(std::string((4 << 20) + 1, 'x'))});
  EXPECT_EQ(too_big.what, outcome::refused);
  EXPECT_NE(too_big.error.find("4194305"), std::string::npos) << too_big.error;
  const auto reserved = send("dq_single", {message("x", {{"KEYS", "v"}})});
  EXPECT_EQ(reserved.what, outcome::refused);
  EXPECT_NE(reserved.error.find("KEYS"), std::string::npos) << reserved.error;
}

TEST_F(RocketmqQueue, MissingTopicAndGroupAreMisconfigured) {
  const auto r = send("dq_missing", {message("x")});
  EXPECT_EQ(r.what, outcome::misconfigured) << r.error;
  EXPECT_NE(r.error.find("dq_missing"), std::string::npos) << r.error;
  std::cout << "send, no topic:    " << r.error << "\n";
  const auto topic = receive({.topic = "dq_missing", .group = "dq_single_group", .wait = 5000ms});
  EXPECT_EQ(topic.result.what, outcome::misconfigured) << topic.result.error;
  std::cout << "receive, no topic: " << topic.result.error << "\n";
  const auto group = receive({.topic = "dq_single", .group = "dq_no_group", .wait = 5000ms});
  EXPECT_EQ(group.result.what, outcome::misconfigured) << group.result.error;
  std::cout << "receive, no group: " << group.result.error << "\n";
  auto m = message("x");
  m.message_group = "g";
  const auto type = send("dq_single", {m});
  EXPECT_EQ(type.what, outcome::misconfigured) << type.error;
  std::cout << "FIFO to NORMAL:    " << type.error << "\n";
}

TEST_F(RocketmqQueue, NackedAndForgottenMessagesComeAgain) {
  ASSERT_EQ(send_until_ok("dq_again", {message("nacked")}).what, outcome::ok);
  ASSERT_EQ(send_until_ok("dq_again", {message("forgotten")}).what, outcome::ok);
  std::map<std::string, uint32_t> last_attempt;
  for (const auto end = clock::now() + 60s; clock::now() < end;) {
    auto r =
        receive({.topic = "dq_again", .group = "dq_again_group", .wait = 5000ms, .invisible = 10s});
    ASSERT_EQ(r.result.what, outcome::ok) << r.result.error;
    for (auto& m : r.messages) {
      if (!of_this_run(m) || m.attempt > 1) {
        ASSERT_EQ(ack("dq_again", "dq_again_group", {m}).what, outcome::ok);
      } else if (m.body == "nacked") {
        ASSERT_EQ(nack("dq_again", "dq_again_group", m, 1s).what, outcome::ok);
      }
      if (of_this_run(m)) last_attempt[m.body] = m.attempt;
    }
    if (last_attempt["nacked"] > 1 && last_attempt["forgotten"] > 1) break;
  }
  EXPECT_EQ(last_attempt["nacked"], 2u);
  EXPECT_EQ(last_attempt["forgotten"], 2u);
}

TEST_F(RocketmqQueue, CloseEndsAWaitingReceiveAtOnce) {
  std::promise<received> p;
  auto waiting = p.get_future();
  ASSERT_EQ(receive({.topic = "dq_idle", .group = "dq_idle_group", .wait = 5000ms}).result.what,
            outcome::ok);
  queue_->receive({.topic = "dq_idle", .group = "dq_idle_group", .wait = 20s},
                  [&](received r) { p.set_value(std::move(r)); });
  const auto before = clock::now();
  queue_->close();
  EXPECT_LT(clock::now() - before, 2s);
  ASSERT_EQ(waiting.wait_for(0s), std::future_status::ready);
  EXPECT_EQ(waiting.get().result.what, outcome::retry);
  EXPECT_EQ(send("dq_idle", {message("x")}).what, outcome::retry);
}

class Remoting : public RocketmqQueue {};

// What the script sent with the remoting client, which compresses bodies over 4 KiB.
TEST_F(Remoting, LargeBodyOfTheRemotingClientArrivesWhole) {
  const auto r = receive({.topic = "dq_remoting", .group = "dq_remoting_group", .wait = 5000ms});
  ASSERT_EQ(r.result.what, outcome::ok) << r.result.error;
  ASSERT_EQ(r.messages.size(), 1u);
  const auto& m = r.messages[0];
  EXPECT_EQ(ack("dq_remoting", "dq_remoting_group", r.messages).what, outcome::ok);
  EXPECT_EQ(m.body.substr(0, 8), "zzzzzzzz");
  EXPECT_EQ(m.body.size(), 20000u);
  EXPECT_EQ(m.tag, "big");
  EXPECT_EQ(m.keys, (std::vector<std::string>{"k1", "k2"}));
  EXPECT_EQ(value_of(m, "n"), "2");
}

class Auth : public RocketmqQueue {};

// With a wrong secret from the script.
TEST_F(Auth, WrongCredentialIsMisconfigured) {
  const auto r = send("dq_single", {message("x")});
  EXPECT_EQ(r.what, outcome::misconfigured) << r.error;
  EXPECT_EQ(r.code, 40100);
  std::cout << "send:    " << r.error << "\n";
  const auto got = receive({.topic = "dq_single", .group = "dq_single_group", .wait = 5000ms});
  EXPECT_EQ(got.result.what, outcome::misconfigured) << got.result.error;
  std::cout << "receive: " << got.result.error << "\n";
}

class Nowhere : public RocketmqQueue {
 protected:
  static rocketmq_options options() {
    auto o = options_from_env();
    o.endpoint = "127.0.0.1:1";
    return o;
  }
  Nowhere() : RocketmqQueue(options()) {}
};

TEST_F(Nowhere, UnreachableServerIsRetryAtOnce) {
  const auto before = clock::now();
  const auto r = send("dq_single", {message("x")});
  EXPECT_EQ(r.what, outcome::retry);
  std::cout << "send:    " << r.error << "\n";
  const auto got = receive({.topic = "dq_single", .group = "dq_single_group", .wait = 5000ms});
  EXPECT_EQ(got.result.what, outcome::retry);
  std::cout << "receive: " << got.result.error << "\n";
  EXPECT_LT(clock::now() - before, 5s);
}

// Traffic both ways on one topic until told to stop, and what went wrong meanwhile.
class Restart : public RocketmqQueue {
 protected:
  static constexpr auto topic = "dq_restart", group = "dq_restart_group";

  void fault(const std::string& what) {
    const std::lock_guard lock(mutex_);
    last_fault_ = clock::now();
    if (faults_++ == 0) first_fault_ = last_fault_;
    if (seen_.insert(what).second) std::cout << "fault: " << what << std::endl;
  }

  // Until everything of `taken_` has come after sending ended, or `limit`.
  void receive_all(clock::time_point limit) {
    while (clock::now() < limit && !complete()) {
      auto r = receive({.topic = topic, .group = group, .wait = 5000ms, .invisible = 10s});
      if (r.result.what != outcome::ok) {
        fault(r.result.error);
        std::this_thread::sleep_for(200ms);
        continue;
      }
      if (r.messages.empty()) continue;
      {
        const std::lock_guard lock(mutex_);
        for (const auto& m : r.messages)
          if (of_this_run(m)) got_.insert(m.body);
      }
      if (auto a = ack(topic, group, r.messages); a.what != outcome::ok) fault(a.error);
    }
  }

  // A message is sent until it is taken. Ends when the server was away and 100 messages in a row
  // went through since.
  void send_all(clock::time_point limit) {
    int in_a_row = 0;
    for (int i = 0; clock::now() < limit; ++i) {
      const auto m = message(std::to_string(i));
      auto r = send(topic, {m});
      for (; r.what != outcome::ok && clock::now() < limit; r = send(topic, {m})) {
        in_a_row = 0;
        fault(r.error);
        if (r.what == outcome::refused) return;
        std::this_thread::sleep_for(100ms);
      }
      if (r.what != outcome::ok) return;
      const std::lock_guard lock(mutex_);
      taken_.insert(m.body);
      if (faults_ > 0 && ++in_a_row >= 100) return;
    }
  }

  bool complete() {
    const std::lock_guard lock(mutex_);
    return sent_all_ && std::includes(got_.begin(), got_.end(), taken_.begin(), taken_.end());
  }

  std::mutex mutex_;
  std::set<std::string> taken_, got_, seen_;
  size_t faults_ = 0;
  clock::time_point first_fault_{}, last_fault_{};
  bool sent_all_ = false;
};

// The script kills the server and starts it again while this runs.
TEST_F(Restart, NothingTakenIsLostWhenTheServerIsKilled) {
  const auto limit =
      clock::now() + std::chrono::seconds(std::atoi(env("RMQ_RESTART_S", "200").c_str()));
  std::thread receiver([&] { receive_all(limit); });
  send_all(limit - 30s);
  {
    const std::lock_guard lock(mutex_);
    sent_all_ = true;
  }
  receiver.join();
  std::cout << "taken " << taken_.size() << ", received " << got_.size() << ", faults " << faults_
            << " over " << std::chrono::duration<double>(last_fault_ - first_fault_).count() << " s"
            << std::endl;
  EXPECT_GT(faults_, 0u) << "the server was not away";
  EXPECT_LT(clock::now(), limit) << "it did not come back";
  for (const auto& body : taken_) EXPECT_TRUE(got_.contains(body)) << body;
}

}  // namespace
}  // namespace dunlin::rules
