#include "rules/rocketmq_convert.hpp"

#include <google/protobuf/arena.h>
#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "rules/rocketmq_limits.hpp"

namespace dunlin::rules {
namespace {

namespace wire = apache::rocketmq::v2;

class RocketmqConvert : public ::testing::Test {
 protected:
  RocketmqConvert() {
    request_ = google::protobuf::Arena::CreateMessage<wire::SendMessageRequest>(&arena_);
    topic_ = google::protobuf::Arena::CreateMessage<wire::Resource>(&arena_);
    topic_->set_name("sensors_up");
  }
  wire::Message& convert(queue_message m) {
    auto* out = request_->add_messages();
    to_wire(std::move(m), {topic_, host_, 1'700'000'000'123}, *out);
    return *out;
  }
  // As a receiver parses it from the wire.
  wire::Message parsed(const wire::Message& m) {
    wire::Message out;
    EXPECT_TRUE(out.ParseFromString(m.SerializeAsString()));
    return out;
  }

  google::protobuf::Arena arena_;
  const std::string host_ = "node-1";
  wire::SendMessageRequest* request_;
  wire::Resource* topic_;
};

queue_message full() {
  queue_message m;
  m.body = std::string("bytes\0\xff", 7);
  m.tag = "report";
  m.keys = {"k1", "k2"};
  m.properties = {{"b", "1"}, {"a", "2"}, {"c", ""}};
  m.message_id = "id-1";
  m.born_ms = 1'699'999'999'001;
  return m;
}

TEST_F(RocketmqConvert, EveryFieldReachesTheWire) {
  const auto m = parsed(convert(full()));
  EXPECT_EQ(m.topic().name(), "sensors_up");
  EXPECT_EQ(m.body(), full().body);
  const auto& s = m.system_properties();
  EXPECT_EQ(s.tag(), "report");
  ASSERT_EQ(s.keys_size(), 2);
  EXPECT_EQ(s.keys(1), "k2");
  EXPECT_EQ(s.message_id(), "id-1");
  EXPECT_EQ(s.born_timestamp().seconds(), 1'699'999'999);
  EXPECT_EQ(s.born_timestamp().nanos(), 1'000'000);
  EXPECT_EQ(s.born_host(), "node-1");
  EXPECT_EQ(s.message_type(), wire::NORMAL);
  EXPECT_FALSE(s.has_message_group());
}

TEST_F(RocketmqConvert, WhatIsSentComesBackTheSame) {
  auto in = parsed(convert(full()));
  in.mutable_system_properties()->set_receipt_handle("receipt");
  in.mutable_system_properties()->set_delivery_attempt(3);
  const auto out = from_wire(std::move(in));
  EXPECT_EQ(out.body, full().body);
  EXPECT_EQ(out.tag, full().tag);
  EXPECT_EQ(out.keys, full().keys);
  EXPECT_EQ(out.properties, full().properties) << "in order";
  EXPECT_EQ(out.message_id, full().message_id);
  EXPECT_EQ(out.born_ms, full().born_ms);
  EXPECT_EQ(out.message_group, "");
  EXPECT_EQ(out.receipt, "receipt");
  EXPECT_EQ(out.attempt, 3u);
}

TEST_F(RocketmqConvert, ServersOwnPropertiesAreNotTheUsers) {
  auto m = full();
  m.properties = {{"__SHARDINGKEY", "dev-1"}, {"a", "1"}};
  EXPECT_EQ(from_wire(parsed(convert(std::move(m)))).properties,
            (std::vector<property>{{"a", "1"}}));
}

TEST_F(RocketmqConvert, CompressedBodyIsInflatedAndAnyOtherStaysAsItCame) {
  const std::string compressed("\x78\x9c\xcb\x48\xcd\xc9\xc9\x07\x00\x06\x2c\x02\x15",
                               13);  // "hello"
  for (const auto& [body, encoding, expected] :
       {std::tuple{compressed, wire::GZIP, std::string("hello")},
        std::tuple{compressed, wire::IDENTITY, compressed},
        std::tuple{std::string("not compressed"), wire::GZIP, std::string("not compressed")}}) {
    wire::Message m;
    m.set_body(body);
    m.mutable_system_properties()->set_body_encoding(encoding);
    EXPECT_EQ(from_wire(std::move(m)).body, expected);
  }
}

TEST_F(RocketmqConvert, MessagesShareTheTopic) {
  convert(full());
  convert(full());
  EXPECT_EQ(&request_->messages(0).topic(), &request_->messages(1).topic());
  wire::SendMessageRequest read;
  ASSERT_TRUE(read.ParseFromString(request_->SerializeAsString()));
  EXPECT_EQ(read.messages(1).topic().name(), "sensors_up");
}

TEST_F(RocketmqConvert, BodyIsMovedNotCopied) {
  auto m = full();
  m.body.assign(1000, 'x');
  const char* bytes = m.body.data();
  EXPECT_EQ(static_cast<const void*>(convert(std::move(m)).body().data()), bytes);
}

TEST_F(RocketmqConvert, MissingBirthIsNow) {
  auto m = full();
  m.born_ms = 0;
  const auto& born = convert(std::move(m)).system_properties().born_timestamp();
  EXPECT_EQ(born.seconds(), 1'700'000'000);
  EXPECT_EQ(born.nanos(), 123'000'000);
}

TEST_F(RocketmqConvert, NoTagIsNotAnEmptyTag) {
  auto m = full();
  m.tag.clear();
  EXPECT_FALSE(convert(std::move(m)).system_properties().has_tag());
}

TEST_F(RocketmqConvert, GroupMakesAFifoMessageAndALongOneIsHashed) {
  auto m = full();
  m.message_group = "GID@@@d1";
  const auto& s = convert(m).system_properties();
  EXPECT_EQ(s.message_type(), wire::FIFO);
  EXPECT_EQ(s.message_group(), "GID@@@d1");
  m.message_group = std::string(100, 'd');
  EXPECT_EQ(convert(m).system_properties().message_group(), wire_group(m.message_group));
}

// The published schema has a map here; its entries are messages of key = 1 and value = 2.
TEST_F(RocketmqConvert, PropertiesHaveTheFormOfAMap) {
  auto m = full();
  m.properties = {{"k", "v"}};
  EXPECT_NE(
      convert(std::move(m)).SerializeAsString().find(std::string("\x12\x06\x0a\x01k\x12\x01v")),
      std::string::npos);
}

}  // namespace
}  // namespace dunlin::rules
