#include "rules/rocketmq_signature.hpp"

#include <gtest/gtest.h>

namespace dunlin::rules {
namespace {

constexpr std::chrono::system_clock::time_point at{std::chrono::seconds(1'767'323'045)};

// The signature was made with: printf 20260102T030405Z | openssl dgst -sha1 -hmac admin-secret
TEST(RocketmqSignature, SignsTheDateWithTheSecret) {
  const auto s = sign({"admin", "admin-secret"}, at);
  EXPECT_EQ(s.date_time, "20260102T030405Z");
  EXPECT_EQ(s.authorization,
            "MQv2-HMAC-SHA1 Credential=admin, SignedHeaders=x-mq-date-time, "
            "Signature=818EC241B95F9D5125AAB20396EC7B98FC4AFC55");
}

TEST(RocketmqSignature, PartOfASecondDoesNotChangeIt) {
  EXPECT_EQ(sign({"a", "b"}, at).authorization,
            sign({"a", "b"}, at + std::chrono::milliseconds(999)).authorization);
  EXPECT_NE(sign({"a", "b"}, at).authorization,
            sign({"a", "b"}, at + std::chrono::seconds(1)).authorization);
}

TEST(RocketmqSignature, EmptySecretStillSigns) {
  EXPECT_NE(sign({"a", ""}, at).authorization, sign({"a", "b"}, at).authorization);
}

}  // namespace
}  // namespace dunlin::rules
