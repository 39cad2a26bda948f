#include "rules/rocketmq_errors.hpp"

#include <gtest/gtest.h>

#include <string>

namespace dunlin::rules {
namespace {

constexpr rocketmq_call a_send{"send", "sensors_up", {}};
constexpr rocketmq_call a_receive{"receive", "sensors_down", "DUNLIN_command"};

bool says(const queue_result& r, std::string_view part) {
  return r.error.find(part) != std::string::npos;
}

TEST(RocketmqErrors, OkAndNothingNewAreOkWithoutText) {
  EXPECT_EQ(classify(20000, "OK", a_send).what, outcome::ok);
  EXPECT_EQ(classify(20000, "OK", a_send).error, "");
  EXPECT_EQ(classify(40401, "no new message", a_receive).what, outcome::ok);
}

TEST(RocketmqErrors, BusyFailingAndUnknownCodesAreTriedAgain) {
  for (const int code :
       {42900, 42901, 40800, 50000, 50001, 50002, 50400, 50401, 50402, 0, 60000, 77777}) {
    const auto r = classify(code, "some text", a_send);
    EXPECT_EQ(r.what, outcome::retry) << code;
    EXPECT_EQ(r.code, code);
    EXPECT_TRUE(says(r, "some text")) << r.error;
  }
}

TEST(RocketmqErrors, FaultsOfTheMessageAreRefused) {
  for (const int code :
       {40004, 40005, 40006, 40007, 40009, 40016, 41300, 41301, 41302, 43100, 43101})
    EXPECT_EQ(classify(code, "no", a_send).what, outcome::refused) << code;
}

TEST(RocketmqErrors, TooLargeBatchLooksLikeAServerFaultButIsRefused) {
  const auto r = classify(50001, "message body size exceeded. RuntimeException...", a_send);
  EXPECT_EQ(r.what, outcome::refused);
}

TEST(RocketmqErrors, BrokerDownIsTriedAgainAndTold) {
  const auto r =
      classify(50001, "connect to 10.0.0.1:10911 failed. RemotingConnectException. x", a_send);
  EXPECT_EQ(r.what, outcome::retry);
  EXPECT_TRUE(says(r, "the proxy cannot reach a broker")) << r.error;
}

TEST(RocketmqErrors, MissingTopicIsMisconfiguredAndNamed) {
  for (const auto& r :
       {classify(40402, "No topic route info in name server for the topic: sensors_up", a_send),
        classify(40014, "the expected type is UNSPECIFIED, but actual type is NORMAL", a_send)}) {
    EXPECT_EQ(r.what, outcome::misconfigured);
    EXPECT_TRUE(says(r, "topic \"sensors_up\" does not exist")) << r.error;
  }
  const auto r =
      classify(50001, "Cannot invoke \"x\" because \"topicConfig\" is null. NullPointerException.",
               a_receive);
  EXPECT_EQ(r.what, outcome::misconfigured);
  EXPECT_TRUE(says(r, "topic \"sensors_down\" does not exist")) << r.error;
}

TEST(RocketmqErrors, TopicOfAnotherTypeIsMisconfiguredAndSaysWhichItIs) {
  const auto fifo = classify(40014, "the expected type is FIFO, but actual type is NORMAL", a_send);
  EXPECT_EQ(fifo.what, outcome::misconfigured);
  EXPECT_TRUE(says(fifo, "it is FIFO, which needs `order: device`")) << fifo.error;
  const auto normal =
      classify(40014, "the expected type is NORMAL, but actual type is FIFO", a_send);
  EXPECT_EQ(normal.what, outcome::misconfigured);
  EXPECT_TRUE(says(normal, "+message.type=FIFO")) << normal.error;
}

TEST(RocketmqErrors, MissingGroupIsMisconfiguredAndNamed) {
  for (const auto& r :
       {classify(50001, "subscription group [DUNLIN_command] does not exist, ", a_receive),
        classify(40403, "no", a_receive)}) {
    EXPECT_EQ(r.what, outcome::misconfigured);
    EXPECT_TRUE(says(r, "consumer group \"DUNLIN_command\" does not exist")) << r.error;
  }
}

TEST(RocketmqErrors, RefusedCredentialIsMisconfigured) {
  const auto r = classify(40100, "check signature failed.", a_send);
  EXPECT_EQ(r.what, outcome::misconfigured);
  EXPECT_TRUE(says(r, "rocketmq.access_key")) << r.error;
  EXPECT_TRUE(says(r, "check signature failed.")) << r.error;
}

TEST(RocketmqErrors, ExpiredDeliveryIsRefusedSinceItsAckNeverPasses) {
  EXPECT_EQ(classify(40013, "INVALID_RECEIPT_HANDLE", {"ack", "t", "g"}).what, outcome::refused);
}

TEST(RocketmqErrors, TextIsCutToItsFirstLine) {
  const auto r = classify(50001, std::string(1000, 'x') + "\nat Java.java:1", a_send);
  EXPECT_LT(r.error.size(), 400u);
  EXPECT_FALSE(says(r, "Java.java"));
  EXPECT_FALSE(says(classify(50001, "a\nb", a_send), "\n"));
}

TEST(RocketmqErrors, TransportFaultsAreTriedAgainAndNameTheEndpoint) {
  for (const int code : {1, 2, 4, 8, 13, 14}) {
    const auto r = classify_transport(code, "Connection refused", "10.0.0.1:8081");
    EXPECT_EQ(r.what, outcome::retry) << code;
    EXPECT_TRUE(says(r, "10.0.0.1:8081")) << r.error;
    EXPECT_TRUE(says(r, "Connection refused")) << r.error;
  }
  EXPECT_EQ(classify_transport(0, "", "x").what, outcome::ok);
}

TEST(RocketmqErrors, AnotherServiceAtTheEndpointIsMisconfigured) {
  const auto r = classify_transport(12, "", "10.0.0.1:9876");
  EXPECT_EQ(r.what, outcome::misconfigured);
  EXPECT_TRUE(says(r, "is not the gRPC port of a RocketMQ 5 proxy")) << r.error;
}

TEST(RocketmqErrors, LostSettingsAreTold) {
  EXPECT_TRUE(settings_missing(
      50001, "Cannot invoke \"...Settings.getSubscription()\" because \"settings\" is null"));
  EXPECT_TRUE(settings_missing(40015, "cannot find client settings for this client"));
  EXPECT_FALSE(settings_missing(50001, "because \"topicConfig\" is null"));
  EXPECT_FALSE(settings_missing(20000, ""));
}

}  // namespace
}  // namespace dunlin::rules
