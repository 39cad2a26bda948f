#include "broker/api/routes.hpp"

#include <gtest/gtest.h>

#include <deque>

#include "base/version.hpp"
#include "rules/record.hpp"

namespace dunlin::api {
namespace {

// Remembers what was asked and answers when the test says so.
class fake_queue : public rules::message_queue {
 public:
  send_limits limits() const override { return limits_; }
  void send(const std::string& topic, std::vector<rules::queue_message> batch,
            std::function<void(rules::queue_result)> done) override {
    topic_ = topic;
    sent_ = std::move(batch);
    waiting_.push_back(std::move(done));
  }
  void receive(const rules::receive_request& what,
               std::function<void(rules::received)> done) override {
    asked_ = what;
    receiver_ = std::move(done);
  }
  void ack(const std::string& topic, const std::string& group,
           std::vector<rules::queue_message> messages,
           std::function<void(rules::queue_result)> done) override {
    topic_ = topic + "/" + group;
    sent_ = std::move(messages);
    waiting_.push_back(std::move(done));
  }
  void nack(const std::string& topic, const std::string& group, rules::queue_message message,
            std::chrono::milliseconds delay,
            std::function<void(rules::queue_result)> done) override {
    topic_ = topic + "/" + group + "/" + std::to_string(delay.count());
    sent_.push_back(std::move(message));
    waiting_.push_back(std::move(done));
  }
  void close() override {}
  void answer(rules::queue_result r) {
    auto done = std::move(waiting_.front());
    waiting_.pop_front();
    done(std::move(r));
  }

  send_limits limits_{
      .messages_max = 4, .bytes_max = 1000, .body_bytes_max = 500, .mixed_properties = true};
  std::string topic_;
  std::vector<rules::queue_message> sent_;
  rules::receive_request asked_;
  std::deque<std::function<void(rules::queue_result)>> waiting_;
  std::function<void(rules::received)> receiver_;
};

class RoutesTest : public ::testing::Test {
 protected:
  RoutesTest() {
    provider_->not_ready = [this] { return reasons_; };
    provider_->node = [] {
      return node_facts{.name = "n1",
                        .uptime_s = 1.5,
                        .connections = 3,
                        .sessions = 4,
                        .subscriptions = 5,
                        .retained_messages = 6,
                        .reactors = 2,
                        .reactors_in_use = 1};
    };
    provider_->topics = [] { return std::vector<topic_facts>{{"a/#", 1, 2, 3, 4, 5}}; };
    provider_->rule_statuses = [this](auto done) { done(rules_); };
    provider_->metrics = [](const auto& all) {
      return "rules " + std::to_string(all.size()) + "\n";
    };
    provider_->dead_letters = [this](const std::string& rule, size_t max, auto done) {
      if (rule != "r") return done(absl::NotFoundError("there is no rule"));
      asked_max_ = max;
      done(letters_);
    };
    provider_->queue = queue_;
    provider_->now_ms = [] { return 1'700'000'000'000; };
    provider_->new_message_id = [this] { return "id" + std::to_string(++ids_); };
    routes_ = make_routes(provider_);
  }
  // The answer, or status 0 while there is none.
  void start(const std::string& method, const std::string& target, const std::string& body = "") {
    answers_ = 0;
    answer_ = {};
    answer_.status = 0;
    request r;
    r.method = method;
    const size_t question = target.find('?');
    r.path = target.substr(0, question);
    if (question != target.npos) r.query = *parse_query(target.substr(question + 1));
    r.body = body;
    routes_.dispatch(r, [this](response a) {
      answer_ = std::move(a);
      ++answers_;
    });
  }
  response ask(const std::string& method, const std::string& target, const std::string& body = "") {
    start(method, target, body);
    EXPECT_EQ(answers_, 1) << target;
    return answer_;
  }

  std::vector<std::string> reasons_;
  std::vector<rules::rule_status> rules_;
  std::vector<rules::dead_letter> letters_;
  size_t asked_max_ = 0;
  std::shared_ptr<fake_queue> queue_ = std::make_shared<fake_queue>();
  std::shared_ptr<provider> provider_ = std::make_shared<provider>();
  router routes_;
  response answer_;
  int answers_ = 0, ids_ = 0;
};

TEST_F(RoutesTest, HealthyAsSoonAsItAnswersReadyWhenTheNodeSaysSo) {
  EXPECT_EQ(ask("GET", "/healthz").body, "{\"status\":\"ok\",\"reasons\":[]}\n");
  EXPECT_EQ(ask("GET", "/readyz").status, 200);
  reasons_ = {"draining"};
  EXPECT_EQ(ask("GET", "/readyz").status, 503);
  EXPECT_EQ(answer_.body, "{\"status\":\"not ready\",\"reasons\":[\"draining\"]}\n");
  EXPECT_EQ(ask("GET", "/healthz").status, 200);
}
TEST_F(RoutesTest, MetricsAreTextWithTheRulesIn) {
  rules_.resize(2);
  EXPECT_EQ(ask("GET", "/metrics").body, "rules 2\n");
  EXPECT_EQ(answer_.content_type, "text/plain; version=0.0.4; charset=utf-8");
}
TEST_F(RoutesTest, TheNodeTellsItsFacts) {
  EXPECT_EQ(ask("GET", "/api/v1/node").body,
            "{\"name\":\"n1\",\"version\":\"" + std::string(version) +
                "\",\"uptimeS\":1.5,\"connections\":3,\"sessions\":4,\"subscriptions\":5,"
                "\"retainedMessages\":6,"
                "\"reactors\":2,\"reactorsInUse\":1,\"state\":\"ready\"}\n");
}
TEST_F(RoutesTest, MeasuredTopicsTellTheirCounts) {
  EXPECT_EQ(ask("GET", "/api/v1/topics").body,
            "{\"topics\":[{\"filter\":\"a/#\",\"messagesIn\":1,\"bytesIn\":2,\"messagesOut\":3,"
            "\"bytesOut\":4,\"dropped\":5}]}\n");
}
TEST_F(RoutesTest, DeadLettersAreShownWithTheirReasonAndMessage) {
  rules::device_message m;
  m.topic = "s/t", m.payload = "21", m.client_id = "c";
  m.qos = 1, m.born_ms = 5;
  m.user_properties.emplace_back("k", "v");
  rules::dead_letter whole{7, 40010, "message too big", {}};
  rules::append_record(m, whole.record);
  letters_ = {whole, {8, 0, "damaged", std::string("\xff\x00", 2)}};
  EXPECT_EQ(
      ask("GET", "/api/v1/rules/r/dead-letters?max=5").body,
      "{\"deadLetters\":[{\"timeMs\":7,\"reason\":\"message too big\",\"code\":40010,\"topic\":"
      "\"s/t\",\"clientId\":\"c\",\"qos\":1,\"bornMs\":5,\"properties\":{\"k\":\"v\"},\"body\":"
      "\"21\"},{\"timeMs\":8,\"reason\":\"damaged\",\"code\":0,\"topic\":\"\",\"clientId\":\"\","
      "\"qos\":0,\"bornMs\":0,\"properties\":{},\"bodyBase64\":\"/wA=\"}]}\n");
  EXPECT_EQ(asked_max_, 5u);
  EXPECT_EQ(ask("GET", "/api/v1/rules/none/dead-letters").status, 404);
  EXPECT_EQ(ask("GET", "/api/v1/rules/r/dead-letters?max=0").status, 400);
  EXPECT_EQ(ask("GET", "/api/v1/rules/r/dead-letters?of=x").status, 400);
}
TEST_F(RoutesTest, RulesAreShownWithPlainNumbers) {
  EXPECT_EQ(ask("GET", "/api/v1/rules").body, "{\"rules\":[]}\n");
  rules::rule_status r;
  r.id = "report";
  r.type = "outbound";
  r.state = "retrying";
  r.taken = 12'345'678'901;
  r.rate = 0.5;
  r.last_error = "topic \"q\" is missing\xFF";
  r.last_error_ms = 1'700'000'000'123;
  rules_ = {r};
  ask("GET", "/api/v1/rules/report");
  EXPECT_EQ(
      answer_.body,
      "{\"id\":\"report\",\"type\":\"outbound\",\"topic\":\"\",\"queue\":\"\",\"group\":\"\","
      "\"state\":\"retrying\","
      "\"taken\":12345678901,\"sent\":0,\"refused\":0,\"deadLetters\":0,\"expired\":0,\"rate\":0.5,"
      "\"lag\":0,"
      "\"oldestMs\":0,\"spoolBytes\":0,\"lastError\":\"topic \\\"q\\\" is missing\xEF\xBF\xBD\","
      "\"lastErrorMs\":1700000000123}\n");
  std::string one = answer_.body;
  one.pop_back();
  EXPECT_EQ(ask("GET", "/api/v1/rules").body, "{\"rules\":[" + one + "]}\n");
  EXPECT_EQ(ask("GET", "/api/v1/rules/none").status, 404);
}

TEST_F(RoutesTest, ALongPollAnswersWhenTheQueueDoes) {
  start("GET", "/api/v1/queues/up/messages?group=g&max=5&wait=20s&invisible=1500");
  EXPECT_EQ(answers_, 0);
  EXPECT_EQ(queue_->asked_.topic, "up");
  EXPECT_EQ(queue_->asked_.group, "g");
  EXPECT_EQ(queue_->asked_.messages_max, 5u);
  EXPECT_EQ(queue_->asked_.wait.count(), 20'000);
  EXPECT_EQ(queue_->asked_.invisible.count(), 1500);
  rules::received got;
  got.messages.resize(2);
  auto& text = got.messages[0];
  text.body = "21.5";
  text.tag = "t";
  text.keys = {"k"};
  text.properties = {{"qoslevel", "1"}};
  text.message_id = "m";
  text.born_ms = 7;
  text.receipt = "r";
  text.attempt = 2;
  got.messages[1].body = std::string("\x00\xFF", 2);
  queue_->receiver_(got);
  EXPECT_EQ(answers_, 1);
  EXPECT_EQ(
      answer_.body,
      R"({"messages":[{"tag":"t","keys":["k"],"properties":{"qoslevel":"1"},"messageGroup":"",)"
      R"("messageId":"m","bornMs":7,"receipt":"r","attempt":2,"body":"21.5"},)"
      R"({"tag":"","keys":[],"properties":{},"messageGroup":"","messageId":"","bornMs":0,)"
      R"("receipt":"","attempt":0,"bodyBase64":"AP8="}]})"
      "\n");
}
TEST_F(RoutesTest, ALongPollThatCannotBeIsToldAtOnce) {
  for (const char* bad : {"", "?group=", "?group=a/b", "?group=g&max=0", "?group=g&max=1001",
                          "?group=g&max=many", "?group=g&wait=61s", "?group=g&wait=-1",
                          "?group=g&invisible=1ms", "?group=g&waite=1", "?group=g&max=1s"}) {
    EXPECT_EQ(ask("GET", std::string("/api/v1/queues/up/messages") + bad).status, 400) << bad;
    EXPECT_FALSE(queue_->receiver_) << bad;
  }
  EXPECT_EQ(ask("GET", "/api/v1/queues/a%2Fb/messages?group=g").status, 400);
}
TEST_F(RoutesTest, TheQueuesFailuresHaveTheirStatus) {
  const std::pair<rules::outcome, int> expected[] = {{rules::outcome::retry, 503},
                                                     {rules::outcome::misconfigured, 409},
                                                     {rules::outcome::refused, 422}};
  for (const auto& [what, status] : expected) {
    start("GET", "/api/v1/queues/up/messages?group=g");
    queue_->receiver_({.result = {what, 0, "why"}, .messages = {}});
    EXPECT_EQ(answer_.status, status);
    EXPECT_NE(answer_.body.find("\"why\""), std::string::npos);
  }
}
TEST_F(RoutesTest, OneMessageIsPutWithItsProperties) {
  start(
      "POST", "/api/v1/queues/down/messages",
      R"({"body": "on", "tag": "x", "keys": ["k"], "properties": {"mqttSecondTopic": "/room1/set", "a": "b"}})");
  EXPECT_EQ(answers_, 0);
  EXPECT_EQ(queue_->topic_, "down");
  ASSERT_EQ(queue_->sent_.size(), 1u);
  const auto& m = queue_->sent_[0];
  EXPECT_EQ(m.body, "on");
  EXPECT_EQ(m.tag, "x");
  EXPECT_EQ(m.keys, std::vector<std::string>{"k"});
  const std::vector<rules::property> properties{{"a", "b"}, {"mqttSecondTopic", "/room1/set"}};
  EXPECT_EQ(m.properties, properties);
  EXPECT_EQ(m.message_id, "id1");
  EXPECT_EQ(m.born_ms, 1'700'000'000'000);
  queue_->answer({});
  EXPECT_EQ(answer_.status, 200);
  EXPECT_EQ(answer_.body, "{\"messageIds\":[\"id1\"]}\n");
}
TEST_F(RoutesTest, SeveralMessagesArePutTogether) {
  start("POST", "/api/v1/queues/down/messages",
        R"({"messages": [{"bodyBase64": "AP8="}, {"body": "", "message_id": "mine"}]})");
  ASSERT_EQ(queue_->sent_.size(), 2u);
  EXPECT_EQ(queue_->sent_[0].body, std::string("\x00\xFF", 2));
  EXPECT_EQ(queue_->sent_[1].message_id, "mine");
  queue_->answer({rules::outcome::retry, 0, "full"});
  EXPECT_EQ(answer_.status, 503);
}
TEST_F(RoutesTest, APutThatCannotBeIsToldAtOnce) {
  const auto put = [this](const std::string& body) {
    return ask("POST", "/api/v1/queues/q/messages", body).status;
  };
  EXPECT_EQ(put(""), 400);
  EXPECT_EQ(put("on"), 400);
  EXPECT_EQ(put("{}"), 400);
  EXPECT_EQ(put(R"({"nothing": 1})"), 400);
  EXPECT_EQ(put(R"({"body": "a", "bodyBase64": "YQ=="})"), 400);
  EXPECT_EQ(put(R"({"messages": [{"tag": "x"}]})"), 400);
  EXPECT_EQ(put(R"({"messages": [{"body": "x"}], "body": "y"})"), 400);
  EXPECT_EQ(put(R"({"messages": [{"body": "x", "messageGroup": "g"}, {"body": "y"}]})"), 400);
  EXPECT_EQ(put(R"({"body": ")" + std::string(501, 'x') + "\"}"), 413);
  EXPECT_EQ(
      put(R"({"messages": [{"body":"1"},{"body":"2"},{"body":"3"},{"body":"4"},{"body":"5"}]})"),
      413);
  const std::string big = R"({"body": ")" + std::string(400, 'x') + "\"}";
  EXPECT_EQ(put("{\"messages\": [" + big + "," + big + "," + big + "]}"), 413);
  EXPECT_TRUE(queue_->sent_.empty());
}
TEST_F(RoutesTest, ReceiptsAreAcknowledgedTogether) {
  start("POST", "/api/v1/queues/q/ack", R"({"group": "g", "receipts": ["r1", "r2"]})");
  EXPECT_EQ(queue_->topic_, "q/g");
  ASSERT_EQ(queue_->sent_.size(), 2u);
  EXPECT_EQ(queue_->sent_[1].receipt, "r2");
  queue_->answer({});
  EXPECT_EQ(answer_.body, "{\"count\":2}\n");
  EXPECT_EQ(ask("POST", "/api/v1/queues/q/ack", R"({"group": "g"})").status, 400);
  EXPECT_EQ(ask("POST", "/api/v1/queues/q/ack", R"({"receipts": ["r"]})").status, 400);
  EXPECT_EQ(ask("POST", "/api/v1/queues/q/ack", R"({"group": "g", "receipts": [{}]})").status, 400);
}
TEST_F(RoutesTest, NackAnswersWhenTheLastIsGivenBackAndTellsTheFirstError) {
  start("POST", "/api/v1/queues/q/nack",
        R"({"group": "g", "receipts": ["r1", "r2", "r3"], "delayMs": 250})");
  EXPECT_EQ(queue_->topic_, "q/g/250");
  queue_->answer({});
  queue_->answer({rules::outcome::refused, 0, "unknown receipt"});
  EXPECT_EQ(answers_, 0);
  queue_->answer({});
  EXPECT_EQ(answers_, 1);
  EXPECT_EQ(answer_.status, 422);
  EXPECT_EQ(
      ask("POST", "/api/v1/queues/q/nack", R"({"group": "g", "receipts": ["r"], "delayMs": -1})")
          .status,
      400);
  EXPECT_EQ(
      ask("POST", "/api/v1/queues/q/nack", R"({"group": "g", "receipts": ["r"], "delayMs": "NaN"})")
          .status,
      400);
}
TEST_F(RoutesTest, WithoutAQueueOfItsOwnTheNodeSaysWhy) {
  provider_->queue = nullptr;
  EXPECT_EQ(ask("GET", "/api/v1/queues/q/messages?group=g").status, 404);
  EXPECT_NE(answer_.body.find("RocketMQ"), std::string::npos);
}

}  // namespace
}  // namespace dunlin::api
