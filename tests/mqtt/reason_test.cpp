#include "broker/mqtt/reason.hpp"

#include <gtest/gtest.h>

namespace dunlin::mqtt {
namespace {

TEST(Reason, HasTheNameOfTheSpecification) {
  EXPECT_EQ(to_string(reason::success), "success");
  EXPECT_EQ(to_string(reason::packet_too_large), "packet_too_large");
  EXPECT_EQ(to_string(static_cast<reason>(0xA2)), "wildcard_subscriptions_not_supported");
  EXPECT_EQ(to_string(static_cast<reason>(0x42)), "unknown");
}

TEST(Reason, MapsToTheReturnCodesOf311) {
  EXPECT_EQ(to_v3_return_code(reason::success), 0);
  EXPECT_EQ(to_v3_return_code(reason::unsupported_protocol_version), 1);
  EXPECT_EQ(to_v3_return_code(reason::client_identifier_not_valid), 2);
  EXPECT_EQ(to_v3_return_code(reason::server_busy), 3);
  EXPECT_EQ(to_v3_return_code(reason::bad_user_name_or_password), 4);
  EXPECT_EQ(to_v3_return_code(reason::not_authorized), 5);
  EXPECT_EQ(to_v3_return_code(reason::banned), 5);
}

}  // namespace
}  // namespace dunlin::mqtt
