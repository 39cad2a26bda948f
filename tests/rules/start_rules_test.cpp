// The rules as the broker runs them: start_rules, CAF's own scheduler, the spool and the embedded
// queue on disk.
#include <gtest/gtest.h>

#include <caf/all.hpp>
#include <fstream>
#include <future>
#include <set>

#include "broker/spawn_function.hpp"
#include "proto/envelope.pb.h"
#include "rules/embedded_queue.hpp"
#include "rules/record.hpp"
#include "rules/rule.hpp"
#include "rules/told.hpp"
#include "tests/rules/temp_dir.hpp"

namespace dunlin::rules {
namespace {

using namespace std::chrono_literals;

constexpr auto timeout = 20s;  // of what must happen; none is ever waited for in full

std::string records_of(const std::string& client, int from, int to) {
  std::string records;
  for (int i = from; i < to; ++i) {
    auto payload = client + ":" + std::to_string(i);
    device_message m;
    m.topic = "sensors/t";
    m.client_id = client;
    m.payload = payload;
    m.qos = 1;
    m.born_ms = 1000;
    append_record(m, records);
  }
  return records;
}

ingress_actor::behavior_type echo_ingress(told<ingress_actor::base>*,
                                          std::shared_ptr<std::promise<inject>> got) {
  return {[got](const inject& i) {
    got->set_value(i);
    return injected{std::vector<injection>(i.messages.size(), injection::met)};
  }};
}

class StartRulesTest : public ::testing::Test {
 protected:
  ~StartRulesTest() override {
    for (auto& r : running_) stop_rule(r);
    if (queue_) queue_->close();
  }

  void open_queue() {
    auto q = open_embedded_queue({.path = dir_ / "queue"});
    ASSERT_TRUE(q.ok()) << q.status();
    queue_ = *q;
  }

  void start(std::vector<rule> rules, ingress_actor ingress = {}) {
    rules_config c;
    c.rules = std::move(rules);
    c.data_dir = dir_.path();
    c.queue = queue_;
    c.ingress = std::move(ingress);
    auto started = start_rules(system_, std::move(c));
    ASSERT_TRUE(started.ok()) << started.status();
    running_ = *started;
  }

  // Both ask through an actor of ours: the mailbox of a caf::scoped_actor tells the thread
  // sanitizer nothing.
  void stop_rule(const running_rule& r) {
    auto stop_it = [&](const auto& a) {
      if (!a) return;
      auto ended = std::make_shared<std::promise<void>>();
      // Held here: a monitor alone does not keep the actor that waits alive.
      auto waits = spawn_function(system_, [a, ended](function_actor* self) -> caf::behavior {
        self->set_down_handler([self, ended](const caf::down_msg&) {
          ended->set_value();
          self->quit();
        });
        self->monitor(a);
        self->send(a, stop{});
        return {[](const stop&) {}};
      });
      ended->get_future().get();
    };
    stop_it(r.outbound);
    stop_it(r.status);
    stop_it(r.inbound);
  }

  uint32_t store_ok(const std::string& records, uint32_t count) {
    auto taken = std::make_shared<std::promise<uint32_t>>();
    spawn_function(system_, [to = running_[0].outbound, what = store{records, count},
                             taken](function_actor* self) {
      self->request(to, timeout, what)
          .then([taken](const stored& s) { taken->set_value(s.count); },
                [taken](const caf::error&) { taken->set_value(0); });
    });
    return taken->get_future().get();
  }

  std::vector<queue_message> receive(const std::string& topic, size_t wanted) {
    std::vector<queue_message> all;
    while (all.size() < wanted) {
      std::promise<received> got;
      queue_->receive({topic, "g", 32, timeout, 60s},
                      [&](received r) { got.set_value(std::move(r)); });
      auto r = got.get_future().get();
      if (r.messages.empty()) break;
      for (auto& m : r.messages) all.push_back(std::move(m));
    }
    return all;
  }

  temp_dir dir_;
  // As the node's: threads that share one queue of actors.
  struct config : caf::actor_system_config {
    config() { set("scheduler.policy", caf::atom("sharing")); }
  };
  config config_;
  caf::actor_system system_{config_};
  std::shared_ptr<message_queue> queue_;
  std::vector<running_rule> running_;
};

rule outbound_rule() {
  rule r;
  r.id = "report";
  r.topic = "sensors";
  r.queue = "sensors_up";
  return r;
}

TEST_F(StartRulesTest, OutboundMessagesReachTheQueueEachOnceAndInOrder) {
  open_queue();
  start({outbound_rule()});
  for (int i = 0; i < 50; ++i) EXPECT_EQ(store_ok(records_of("c", i * 4, i * 4 + 4), 4), 4u);
  auto all = receive("sensors_up", 200);
  ASSERT_EQ(all.size(), 200u);
  std::set<std::string> bodies, ids;
  for (auto& m : all) {
    bodies.insert(m.body);
    ids.insert(m.message_id);
  }
  EXPECT_EQ(bodies.size(), 200u);
  EXPECT_EQ(ids.size(), 200u);
}

TEST_F(StartRulesTest, EnvelopeIsDecodedByWhatProtocMakes) {
  open_queue();
  auto r = outbound_rule();
  r.format = rule_format::envelope;
  start({r});
  EXPECT_EQ(store_ok(records_of("c", 0, 100), 100), 100u);
  auto all = receive("sensors_up", 1);
  ASSERT_EQ(all.size(), 1u);
  Envelope e;
  ASSERT_TRUE(e.ParseFromString(all[0].body));
  ASSERT_EQ(e.messages_size(), 100);
  EXPECT_EQ(e.messages(7).payload(), "c:7");
  EXPECT_EQ(e.messages(7).topic(), "sensors/t");
}

TEST_F(StartRulesTest, InboundMessageReachesTheIngressAndIsAcknowledged) {
  open_queue();
  std::promise<queue_result> sent;
  queue_message command;
  command.body = "on";
  command.properties = {{"mqttSecondTopic", "/p2p/c1"}};
  queue_->send("down", {command}, [&](queue_result r) { sent.set_value(r); });
  ASSERT_EQ(sent.get_future().get().what, outcome::ok);
  auto got = std::make_shared<std::promise<inject>>();
  rule r;
  r.id = "command";
  r.type = rule_type::inbound;
  r.topic = "sensors";
  r.queue = "down";
  start({r}, system_.spawn(echo_ingress, got));
  auto future = got->get_future();
  ASSERT_EQ(future.wait_for(timeout), std::future_status::ready);
  auto i = future.get();
  ASSERT_EQ(i.messages.size(), 1u);
  EXPECT_EQ(i.messages[0].topic, "sensors/p2p/c1");
  EXPECT_EQ(i.messages[0].payload, "on");
}

TEST_F(StartRulesTest, StatusEventReachesTheQueue) {
  open_queue();
  rule r;
  r.id = "presence";
  r.type = rule_type::status;
  r.group = "GID_demo";
  r.queue = "presence";
  start({r});
  caf::anon_send(running_[0].status,
                 client_event{client_event_kind::tcpclean, "GID_demo@@@1", "ch", "1.2.3.4:5", 7});
  auto all = receive("presence", 1);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].tag, "tcpclean");
  EXPECT_EQ(all[0].keys, std::vector<std::string>{"GID_demo@@@1"});
  EXPECT_EQ(
      all[0].body,
      R"({"clientId":"GID_demo@@@1","channelId":"ch","clientIp":"1.2.3.4:5","eventType":"tcpclean","time":7})");
}

TEST_F(StartRulesTest, DataDirectoryThatIsAFileIsToldWithItsPath) {
  open_queue();
  std::ofstream(dir_ / "file") << "x";
  rules_config c;
  c.rules = {outbound_rule()};
  c.data_dir = dir_ / "file";
  c.queue = queue_;
  auto started = start_rules(system_, std::move(c));
  ASSERT_FALSE(started.ok());
  EXPECT_NE(started.status().message().find(dir_ / "file"), std::string::npos);
}

}  // namespace
}  // namespace dunlin::rules
