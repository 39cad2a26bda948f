#include "rules/embedded_queue.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <set>
#include <thread>

#include "tests/rules/temp_dir.hpp"

namespace dunlin::rules {
namespace {

using namespace std::chrono_literals;

class EmbeddedQueueTest : public ::testing::Test {
 protected:
  void open() { open(embedded_queue_options{}); }
  void open(embedded_queue_options o) {
    queue_.reset();
    o.path = dir_ / "q";
    auto q = open_embedded_queue(o);
    ASSERT_TRUE(q.ok()) << q.status();
    queue_ = *q;
  }

  using sync_mode = decltype(embedded_queue_options::sync);
  void open_with(uint64_t messages_max, sync_mode sync) {
    embedded_queue_options o;
    o.messages_max = messages_max;
    o.sync = sync;
    open(o);
  }

  queue_result send(const std::string& topic, const std::vector<std::string>& bodies) {
    std::vector<queue_message> batch;
    for (auto& b : bodies) batch.emplace_back().body = b;
    std::promise<queue_result> done;
    queue_->send(topic, std::move(batch), [&](queue_result r) { done.set_value(std::move(r)); });
    return done.get_future().get();
  }

  std::future<received> receive_later(receive_request what) {
    auto done = std::make_shared<std::promise<received>>();
    queue_->receive(what, [done](received r) { done->set_value(std::move(r)); });
    return done->get_future();
  }
  std::vector<queue_message> receive(const std::string& topic, const std::string& group,
                                     size_t max = 32, std::chrono::milliseconds wait = 0ms,
                                     std::chrono::milliseconds invisible = 60s) {
    return receive_later({topic, group, max, wait, invisible}).get().messages;
  }
  queue_result ack(const std::string& topic, const std::string& group,
                   std::vector<queue_message> m) {
    std::promise<queue_result> done;
    queue_->ack(topic, group, std::move(m), [&](queue_result r) { done.set_value(std::move(r)); });
    return done.get_future().get();
  }
  queue_result nack(const std::string& topic, const std::string& group, queue_message m,
                    std::chrono::milliseconds delay) {
    std::promise<queue_result> done;
    queue_->nack(topic, group, std::move(m), delay,
                 [&](queue_result r) { done.set_value(std::move(r)); });
    return done.get_future().get();
  }
  static std::vector<std::string> bodies(const std::vector<queue_message>& all) {
    std::vector<std::string> b;
    for (auto& m : all) b.push_back(m.body);
    return b;
  }
  using list = std::vector<std::string>;

  temp_dir dir_;
  std::shared_ptr<message_queue> queue_;
};

TEST_F(EmbeddedQueueTest, MessageComesBackAsItWasSent) {
  open();
  queue_message m;
  m.body = std::string("b\0dy", 4);
  m.tag = "T";
  m.keys = {"k1", "k2"};
  m.properties = {{"a", "1"}, {"b", ""}};
  m.message_group = "g1";
  m.message_id = "id";
  m.born_ms = 42;
  std::promise<queue_result> done;
  queue_->send("t", {m}, [&](queue_result r) { done.set_value(r); });
  ASSERT_EQ(done.get_future().get().what, outcome::ok);
  auto all = receive("t", "g");
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].body, m.body);
  EXPECT_EQ(all[0].tag, m.tag);
  EXPECT_EQ(all[0].keys, m.keys);
  EXPECT_EQ(all[0].properties, m.properties);
  EXPECT_EQ(all[0].message_group, m.message_group);
  EXPECT_EQ(all[0].message_id, m.message_id);
  EXPECT_EQ(all[0].born_ms, 42);
  EXPECT_EQ(all[0].attempt, 1u);
}

TEST_F(EmbeddedQueueTest, EveryGroupSeesAllAndMembersShare) {
  open();
  send("t", {"1", "2", "3"});
  EXPECT_EQ(bodies(receive("t", "a", 2)), (list{"1", "2"}));
  EXPECT_EQ(bodies(receive("t", "a", 2)), (list{"3"}));
  EXPECT_TRUE(receive("t", "a").empty());
  EXPECT_EQ(bodies(receive("t", "b")), (list{"1", "2", "3"}));
}

TEST_F(EmbeddedQueueTest, TopicsDoNotMix) {
  open();
  send("a", {"1"});
  send("ab", {"2"});
  send("b", {"3"});
  EXPECT_EQ(bodies(receive("a", "g")), list{"1"});
  EXPECT_EQ(bodies(receive("ab", "g")), list{"2"});
  EXPECT_TRUE(receive("c", "g").empty());
}

TEST_F(EmbeddedQueueTest, WaitingReceiveIsAnsweredWhenAMessageArrives) {
  open();
  auto waiting = receive_later({"t", "g", 32, 20s, 60s});
  EXPECT_EQ(waiting.wait_for(0s), std::future_status::timeout);
  send("t", {"1"});
  ASSERT_EQ(waiting.wait_for(10s), std::future_status::ready);
  EXPECT_EQ(bodies(waiting.get().messages), list{"1"});
}

TEST_F(EmbeddedQueueTest, WaitingReceiveEndsEmptyAfterItsTime) {
  open();
  auto r = receive_later({"t", "g", 32, 20ms, 60s}).get();
  EXPECT_EQ(r.result.what, outcome::ok);
  EXPECT_TRUE(r.messages.empty());
}

TEST_F(EmbeddedQueueTest, NotAcknowledgedComesAgainWithAHigherAttempt) {
  open();
  send("t", {"1"});
  auto first = receive("t", "g", 1, 0ms, 10ms);
  auto again = receive("t", "g", 1, 20s, 60s);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].attempt, 2u);
  EXPECT_NE(again[0].receipt, first[0].receipt);
}

TEST_F(EmbeddedQueueTest, NackGivesItBackAfterItsDelay) {
  open();
  send("t", {"1"});
  auto m = receive("t", "g");
  EXPECT_EQ(nack("t", "g", m[0], 0ms).what, outcome::ok);
  EXPECT_EQ(receive("t", "g", 1, 20s).at(0).attempt, 2u);
}

TEST_F(EmbeddedQueueTest, AcknowledgedStaysSoOverAReopenAndTheRestComesAgain) {
  open();
  send("t", {"1", "2", "3", "4"});
  auto all = receive("t", "g");
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(ack("t", "g", {all[0], all[2]}).what, outcome::ok);
  open();
  auto again = receive("t", "g");
  EXPECT_EQ(bodies(again), (list{"2", "4"}));
  EXPECT_EQ(ack("t", "g", again).what, outcome::ok);
  send("t", {"5"});
  open();
  EXPECT_EQ(bodies(receive("t", "g")), list{"5"});
}

TEST_F(EmbeddedQueueTest, ReceiptFromBeforeAReopenStillAcknowledges) {
  open();
  send("t", {"1", "2"});
  auto all = receive("t", "g");
  open();
  EXPECT_EQ(ack("t", "g", {all[0]}).what, outcome::ok);
  EXPECT_EQ(bodies(receive("t", "g")), list{"2"});
}

TEST_F(EmbeddedQueueTest, AcknowledgingTwiceIsFineAndNonsenseIsNot) {
  open();
  send("t", {"1"});
  auto m = receive("t", "g");
  EXPECT_EQ(ack("t", "g", m).what, outcome::ok);
  EXPECT_EQ(ack("t", "g", m).what, outcome::ok);
  m[0].receipt = "nonsense";
  EXPECT_EQ(ack("t", "g", m).what, outcome::refused);
}

TEST_F(EmbeddedQueueTest, FullOfWhatAGroupHasNotSeenAnswersRetry) {
  open_with(10, sync_mode::always);
  receive("t", "slow");
  for (int i = 0; i < 10; ++i) ASSERT_EQ(send("t", {std::to_string(i)}).what, outcome::ok);
  auto full = send("t", {"10"});
  EXPECT_EQ(full.what, outcome::retry);
  EXPECT_NE(full.error.find("full"), std::string::npos);
  auto all = receive("t", "slow");
  ASSERT_EQ(all.size(), 10u);
  ack("t", "slow", all);
  EXPECT_EQ(send("t", {"10"}).what, outcome::ok);
  EXPECT_EQ(bodies(receive("t", "slow")), list{"10"});
}

TEST_F(EmbeddedQueueTest, WithoutGroupsTheOldestMakeRoom) {
  open_with(10, sync_mode::always);
  for (int i = 0; i < 25; ++i) ASSERT_EQ(send("t", {std::to_string(i)}).what, outcome::ok);
  auto kept = receive("t", "g");
  ASSERT_FALSE(kept.empty());
  EXPECT_LE(kept.size(), 10u);
  EXPECT_EQ(kept.back().body, "24");
}

TEST_F(EmbeddedQueueTest, BadNamesAreRefused) {
  open();
  EXPECT_EQ(send("", {"1"}).what, outcome::refused);
  EXPECT_EQ(send("a/b", {"1"}).what, outcome::refused);
  EXPECT_EQ(receive_later({"t", "g g", 1, 0ms, 1s}).get().result.what, outcome::refused);
}

TEST_F(EmbeddedQueueTest, CloseEndsWaitingReceives) {
  open();
  auto waiting = receive_later({"t", "g", 1, 60s, 60s});
  queue_->close();
  ASSERT_EQ(waiting.wait_for(10s), std::future_status::ready);
  EXPECT_EQ(waiting.get().result.what, outcome::retry);
  EXPECT_EQ(send("t", {"1"}).what, outcome::retry);
}

TEST_F(EmbeddedQueueTest, ManyThreadsSendAndReceiveEachMessageOnce) {
  open_with(1'000'000, sync_mode::never);
  constexpr int senders = 4, each = 500;
  std::vector<std::thread> threads;
  for (int s = 0; s < senders; ++s) {
    threads.emplace_back([this, s] {
      for (int i = 0; i < each; ++i) send("t", {std::to_string(s) + ":" + std::to_string(i)});
    });
  }
  std::set<std::string> seen;
  size_t deliveries = 0;
  while (seen.size() < senders * each) {
    auto got = receive("t", "g", 32, 20s);
    ASSERT_FALSE(got.empty());
    deliveries += got.size();
    for (auto& m : got) seen.insert(m.body);
    ack("t", "g", got);
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(deliveries, static_cast<size_t>(senders * each));
}

TEST_F(EmbeddedQueueTest, UnusableDirectoryIsToldWithItsPath) {
  embedded_queue_options bad;
  bad.path = "/proc/no/such";
  auto q = open_embedded_queue(bad);
  ASSERT_FALSE(q.ok());
  EXPECT_NE(q.status().message().find("/proc/no/such"), std::string::npos);
}

}  // namespace
}  // namespace dunlin::rules
