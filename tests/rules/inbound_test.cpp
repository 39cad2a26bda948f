#include "rules/inbound.hpp"

#include <gtest/gtest.h>

#include <caf/scheduler/test_coordinator.hpp>
#include <future>

#include "rules/inbound_core.hpp"
#include "tests/fakes/fake_queue.hpp"
#include "tests/rules/temp_dir.hpp"

namespace dunlin::rules {
namespace {

using namespace std::chrono_literals;

struct ingress_log {
  std::vector<inject> got;
  std::vector<caf::typed_response_promise<injected>> open;
};

// Answers the request that waits longest when it is sent an `injected`.
using held_ingress_actor = ingress_actor::extend<caf::reacts_to<injected>>;

held_ingress_actor::behavior_type held_ingress(held_ingress_actor::pointer self,
                                               std::shared_ptr<ingress_log> log) {
  return {
      [self, log](const inject& i) {
        log->got.push_back(i);
        return log->open.emplace_back(self->make_response_promise<injected>());
      },
      [log](const injected& answer) {
        if (log->open.empty()) return;
        log->open.front().deliver(answer);
        log->open.erase(log->open.begin());
      },
  };
}

class InboundTest : public ::testing::Test {
 protected:
  struct config : caf::actor_system_config {
    config() { set("scheduler.policy", caf::atom("testing")); }
  };

  InboundTest() {
    auto s = spool::open({.path = dir_ / "s", .sync = spool_sync::never});
    store_ = *s;
    EXPECT_TRUE(store_->attach("in").ok());
  }
  ~InboundTest() override {
    while (!log_->open.empty()) answer({});
    if (actor_) caf::anon_send(actor_, stop{});
    sched_.run();
    queue_->close();
    settle_spool();
    sched_.trigger_timeouts();
    sched_.run();
    caf::anon_send_exit(ingress_, caf::exit_reason::user_shutdown);
    sched_.run();
  }

  void start(unroutable policy = unroutable::ack) {
    inbound_config c;
    c.config.id = "in";
    c.config.type = rule_type::inbound;
    c.config.topic = "sensors";
    c.config.queue = "down";
    c.config.group = "g";
    c.config.policy = policy;
    c.queue = queue_;
    c.store = store_;
    c.ingress = ingress_;
    c.wall_ms = [] { return int64_t{1'000'000}; };
    actor_ = spawn_inbound(system_, std::move(c));
    sched_.run();
  }
  // What the spool has to say has been said, and heard.
  void settle_spool() {
    std::promise<void> done;
    store_->add_dead_letters("in", {}, [&](absl::Status) { done.set_value(); });
    done.get_future().wait();
    sched_.run();
  }
  static queue_message message(const std::string& id, uint32_t attempt = 1,
                               std::vector<property> p = {}) {
    queue_message m;
    m.body = "body of " + id;
    m.message_id = m.receipt = id;
    m.attempt = attempt;
    m.properties = std::move(p);
    return m;
  }
  void give(std::vector<queue_message> all) {
    ASSERT_TRUE(queue_->give(std::move(all)));
    sched_.run();
  }
  void answer(std::vector<injection> results) {
    ASSERT_FALSE(log_->open.empty());
    caf::anon_send(ingress_, injected{std::move(results)});
    sched_.run();
  }
  rule_status status() {
    rule_status s;
    caf::scoped_actor self{system_};
    auto r = self->request(actor_, caf::infinite, describe{});
    sched_.run();
    r.receive([&](const rule_status& x) { s = x; },
              [&](const caf::error& e) { ADD_FAILURE() << system_.render(e); });
    return s;
  }
  std::vector<std::string> acked() const {
    std::vector<std::string> ids;
    for (auto& m : queue_->acked) ids.push_back(m.receipt);
    return ids;
  }
  using list = std::vector<std::string>;

  temp_dir dir_;
  std::shared_ptr<fake_queue> queue_ = std::make_shared<fake_queue>();
  std::shared_ptr<spool> store_;
  config config_;
  caf::actor_system system_{config_};
  caf::scheduler::test_coordinator& sched_ =
      dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
  std::shared_ptr<ingress_log> log_ = std::make_shared<ingress_log>();
  held_ingress_actor ingress_ = system_.spawn(held_ingress, log_);
  inbound_actor actor_;
};

TEST_F(InboundTest, AcknowledgesWhatIsMetAndNeverBefore) {
  start();
  EXPECT_EQ(queue_->waiting(), 4u);
  give({message("1"), message("2", 1, {{"mqttSecondTopic", "/p2p/c1"}})});
  ASSERT_EQ(log_->got.size(), 1u);
  EXPECT_EQ(log_->got[0].messages[1].topic, "sensors/p2p/c1");
  EXPECT_TRUE(acked().empty());
  EXPECT_EQ(status().lag, 2u);
  EXPECT_EQ(queue_->waiting(), 3u);  // its next receive waits for this answer
  answer({injection::met, injection::met});
  EXPECT_EQ(acked(), (list{"1", "2"}));
  EXPECT_EQ(queue_->waiting(), 4u);
  auto s = status();
  EXPECT_EQ(s.taken, 2u);
  EXPECT_EQ(s.sent, 2u);
  EXPECT_EQ(s.lag, 0u);
  EXPECT_EQ(s.state, "running");
}

TEST_F(InboundTest, IngressThatDoesNotAnswerGivesAllBack) {
  start();
  give({message("1"), message("2")});
  sched_.advance_time(30s);
  sched_.run();
  EXPECT_TRUE(acked().empty());
  ASSERT_EQ(queue_->nacks.size(), 2u);
  EXPECT_EQ(queue_->nacks[0].message.receipt, "1");
  EXPECT_EQ(status().state, "retrying");
  EXPECT_EQ(queue_->waiting(), 4u);
}

TEST_F(InboundTest, RefusedComesAgainLaterEachTime) {
  start();
  give({message("1", 1), message("2", 3)});
  answer({injection::refused, injection::refused});
  ASSERT_EQ(queue_->nacks.size(), 2u);
  EXPECT_EQ(queue_->nacks[0].delay, 1s);
  EXPECT_EQ(queue_->nacks[1].delay, 4s);
  EXPECT_TRUE(acked().empty());
}

TEST_F(InboundTest, RefusedTooOftenIsADeadLetter) {
  start();
  give({message("1", inbound_attempts_max)});
  answer({injection::refused});
  settle_spool();
  sched_.run();
  EXPECT_EQ(store_->count_dead_letters("in").messages, 1u);
  EXPECT_EQ(acked(), list{"1"});
}

TEST_F(InboundTest, NoReceiverIsAcknowledgedWhenTheRuleSaysSo) {
  start(unroutable::ack);
  give({message("1")});
  answer({injection::no_receiver});
  EXPECT_EQ(acked(), list{"1"});
  EXPECT_EQ(store_->count_dead_letters("in").messages, 0u);
}

TEST_F(InboundTest, NoReceiverIsADeadLetterWhenTheRuleSaysSo) {
  start(unroutable::dead_letter);
  give({message("1")});
  answer({injection::no_receiver});
  settle_spool();
  auto letters = store_->list_dead_letters("in", 10);
  ASSERT_TRUE(letters.ok());
  ASSERT_EQ(letters->size(), 1u);
  EXPECT_EQ((*letters)[0].reason, "no device takes it");
  EXPECT_EQ(acked(), list{"1"});
  EXPECT_EQ(status().dead_letters, 1u);
}

TEST_F(InboundTest, UnmappableIsADeadLetterWithTheReasonAndIsNotInjected) {
  start();
  give({message("1", 1, {{"qoslevel", "9"}}), message("2")});
  ASSERT_EQ(log_->got.size(), 1u);
  EXPECT_EQ(log_->got[0].messages.size(), 1u);
  settle_spool();
  auto letters = store_->list_dead_letters("in", 10);
  ASSERT_EQ(letters->size(), 1u);
  EXPECT_NE((*letters)[0].reason.find("qoslevel"), std::string::npos);
  EXPECT_EQ(acked(), list{"1"});
}

TEST_F(InboundTest, ExpiredIsAcknowledgedAndCounted) {
  start();
  auto m = message("1", 1, {{"mqtt5MsgExpireInterval", "5"}});
  m.born_ms = 1'000'000 - 6000;
  give({m});
  EXPECT_TRUE(log_->got.empty());
  EXPECT_EQ(acked(), list{"1"});
  EXPECT_EQ(status().expired, 1u);
}

TEST_F(InboundTest, MisconfiguredQueueIsAskedSlowly) {
  start();
  ASSERT_TRUE(
      queue_->answer_receive({{outcome::misconfigured, 40402, "no group g: create it"}, {}}));
  sched_.run();
  EXPECT_EQ(queue_->waiting(), 3u);
  EXPECT_EQ(status().state, "misconfigured");
  EXPECT_EQ(status().last_error, "no group g: create it");
  sched_.advance_time(9s);
  sched_.run();
  EXPECT_EQ(queue_->waiting(), 3u);
  sched_.advance_time(1s);
  sched_.run();
  EXPECT_EQ(queue_->waiting(), 4u);
}

TEST_F(InboundTest, FewerResultsThanMessagesGiveTheRestBack) {
  start();
  give({message("1"), message("2")});
  answer({injection::met});
  EXPECT_EQ(acked(), list{"1"});
  ASSERT_EQ(queue_->nacks.size(), 1u);
  EXPECT_EQ(queue_->nacks[0].message.receipt, "2");
}

}  // namespace
}  // namespace dunlin::rules
