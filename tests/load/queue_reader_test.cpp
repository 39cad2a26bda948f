#include "tests/load/queue_reader.hpp"

#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include "proto/api.pb.h"
#include "proto/envelope.pb.h"
#include "tests/load/message.hpp"

namespace dunlin::load {
namespace {

std::string payload(uint32_t publisher, uint64_t sequence, uint32_t run = 7) {
  const stamp s{run, publisher, sequence, 0};
  return std::string(reinterpret_cast<const char*>(&s), sizeof s) + std::string(40, 'x');
}

std::string json_of(const api::Messages& m) {
  std::string out;
  EXPECT_TRUE(google::protobuf::util::MessageToJsonString(m, &out).ok());
  return out;
}

options two_publishers() {
  options o;
  o.publishers = 2;
  return o;
}

TEST(QueueReader, NotesSingleMessagesAndGivesTheirReceipts) {
  const options o = two_publishers();
  queue_reader reader(o, 7);
  api::Messages in;
  for (uint64_t n = 0; n < 3; ++n) {
    auto* m = in.add_messages();
    m->set_body_base64(payload(1, n));
    m->set_receipt("r" + std::to_string(n));
  }
  EXPECT_EQ(reader.take(json_of(in)), (std::vector<std::string>{"r0", "r1", "r2"}));
  EXPECT_EQ(reader.received(), 3u);
  EXPECT_EQ(reader.publishers()[1].missing_below(4), 1u);
  EXPECT_EQ(reader.publishers()[0].missing_below(1), 1u);
}

TEST(QueueReader, OpensEnvelopes) {
  const options o = two_publishers();
  queue_reader reader(o, 7);
  rules::Envelope envelope;
  for (uint64_t n = 0; n < 5; ++n) envelope.add_messages()->set_payload(payload(0, n));
  api::Messages in;
  auto* m = in.add_messages();
  m->set_body_base64(envelope.SerializeAsString());
  m->set_receipt("r");
  (*m->mutable_properties())["dunlinFormat"] = "envelope/1";
  EXPECT_EQ(reader.take(json_of(in)).size(), 1u);
  EXPECT_EQ(reader.received(), 5u);
}

TEST(QueueReader, CountsRepeatedAndForeignMessagesApart) {
  const options o = two_publishers();
  queue_reader reader(o, 7);
  api::Messages in;
  in.add_messages()->set_body_base64(payload(0, 0));
  in.add_messages()->set_body_base64(payload(0, 0));
  in.add_messages()->set_body_base64(payload(0, 1, 8));
  in.add_messages()->set_body_base64(payload(2, 0));
  in.add_messages()->set_body("short");
  reader.take(json_of(in));
  EXPECT_EQ(reader.received(), 1u);
  EXPECT_EQ(reader.publishers()[0].duplicates(), 1u);
  EXPECT_EQ(reader.foreign(), 3u);
}

TEST(QueueReader, SaysWhatItCannotRead) {
  const options o = two_publishers();
  queue_reader reader(o, 7);
  EXPECT_TRUE(reader.take("{\"messages\": [").empty());
  EXPECT_FALSE(reader.error().empty());
}

TEST(HttpReply, HasStatusAndBody) {
  const http_reply r =
      parse_reply("HTTP/1.1 200 OK\r\nContent-Type: x\r\ncontent-length: 2\r\n\r\n{}");
  EXPECT_EQ(r.status, 200);
  EXPECT_EQ(r.body, "{}");
}

TEST(HttpReply, RefusesWhatIsCutShort) {
  EXPECT_EQ(parse_reply("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}").status, 0);
  EXPECT_EQ(parse_reply("HTTP/1.1 200 OK\r\nContent-").status, 0);
  EXPECT_EQ(parse_reply("").status, 0);
  EXPECT_EQ(parse_reply("SSH-2.0-OpenSSH").status, 0);
}

}  // namespace
}  // namespace dunlin::load
