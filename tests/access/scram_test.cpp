// SCRAM-SHA-256 by the example of RFC 7677, section 3; the table of users.
#include "broker/access/scram.hpp"

#include <gtest/gtest.h>

#include "broker/access/crypto.hpp"
#include "broker/access/users.hpp"

namespace dunlin::access {
namespace {

constexpr const char* salt = "W22ZaJ0SNY7soEsUEjb6gQ==";

scram_verifier pencil() { return make_verifier("pencil", *from_base64(salt), 4096); }

TEST(Scram, TheExampleOfTheRfc) {
  scram_exchange x;
  const auto challenge =
      x.begin("n,,n=user,r=rOprNGfwEbeRWgbNEkqO", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
              [](std::string_view) { return pencil(); });
  EXPECT_EQ(
      challenge,
      "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
  EXPECT_EQ(x.user(), "user");
  const std::string last =
      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
      "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
  EXPECT_EQ(x.finish(last), "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
  for (size_t i = 0; i < last.size(); ++i) {
    std::string other = last;
    other[i] = other[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(x.finish(other)) << i;
    EXPECT_FALSE(x.finish(last.substr(0, i))) << i;
  }
}

TEST(Scram, NamesAreUnescaped) {
  scram_exchange x;
  const auto any = [](std::string_view) { return pencil(); };
  EXPECT_TRUE(x.begin("y,,n=a=2Cb=3Dc,r=1", "2", any));
  EXPECT_EQ(x.user(), "a,b=c");
  for (const char* wrong :
       {"n,,n=a=2,r=1", "n,,n=a=2c,r=1", "n,,n==,r=1", "n,,m=x,n=a,r=1", "n,n=a,r=1"})
    EXPECT_FALSE(scram_exchange().begin(wrong, "2", any)) << wrong;
}

TEST(Scram, AVerifierAsText) {
  const std::string text = to_string(pencil());
  const auto v = parse_verifier(text);
  ASSERT_TRUE(v);
  EXPECT_EQ(to_string(*v), text);
  EXPECT_TRUE(verify_password(*v, "pencil"));
  EXPECT_FALSE(verify_password(*v, "pencils"));
  for (size_t i = 0; i < text.size(); ++i) EXPECT_FALSE(parse_verifier(text.substr(0, i))) << i;
  EXPECT_FALSE(parse_verifier("SCRAM-SHA-256$4095" + text.substr(18)));
  EXPECT_FALSE(parse_verifier("SCRAM-SHA-256$100001" + text.substr(18)));
}

TEST(Scram, Base64) {
  for (const char* text : {"", "f", "fo", "foo", "foob", "fooba", "foobar"})
    EXPECT_EQ(from_base64(to_base64(text)), text);
  for (const char* wrong : {"A", "AA", "AAA", "A===", "=AAA", "AA=A", "AA A", "AAA ", "AA\nA"})
    EXPECT_FALSE(from_base64(wrong)) << wrong;
}

TEST(Users, AnUnknownNameIsLikeAWrongPassword) {
  for (const bool with_verifier : {false, true}) {
    user_table t("secret");
    t.add_password("ann", "1");
    if (with_verifier) t.add_verifier("bob", pencil());
    EXPECT_TRUE(t.check_password("ann", "1"));
    EXPECT_FALSE(t.check_password("ann", "2"));
    EXPECT_FALSE(t.check_password("eve", "1"));
    EXPECT_FALSE(t.check_password("eve", ""));
    EXPECT_EQ(t.check_password("bob", "pencil"), with_verifier);
    EXPECT_EQ(t.verifier("eve").salt, t.verifier("eve").salt);
    EXPECT_NE(t.verifier("eve").salt, t.verifier("eva").salt);
    EXPECT_EQ(t.verifier("eve").salt.size(), t.verifier("ann").salt.size());
    EXPECT_EQ(t.verifier("eve").iterations, t.verifier("ann").iterations);
    EXPECT_EQ(user_table("secret").verifier("eve").salt, t.verifier("eve").salt);
  }
}

}  // namespace
}  // namespace dunlin::access
