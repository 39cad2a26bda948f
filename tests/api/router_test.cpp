#include "broker/api/router.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace dunlin::api {
namespace {

// Answers with the handler's name and its parameters.
handler named(const std::string& name) {
  return [name](const request& r, respond done) {
    std::string text = name;
    for (const auto& [k, v] : r.parameters) text += " " + k + "=" + v;
    done(text_response(200, text));
  };
}

class RouterTest : public ::testing::Test {
 protected:
  RouterTest() {
    router_.add("GET", "/rules", named("list"));
    router_.add("GET", "/rules/{id}", named("one"));
    router_.add("GET", "/rules/best", named("best"));
    router_.add("POST", "/rules/{id}", named("change"));
    router_.add("GET", "/queues/{topic}/messages", named("messages"));
    router_.add("GET", "/broken", [](const request&, respond) { throw std::runtime_error("bug"); });
  }
  response ask(const std::string& method, const std::string& path) {
    response out;
    int answers = 0;
    request r;
    r.method = method;
    r.path = path;
    router_.dispatch(r, [&](response a) {
      out = std::move(a);
      ++answers;
    });
    EXPECT_EQ(answers, 1);
    return out;
  }
  router router_;
};

TEST_F(RouterTest, PathAndMethodChooseTheHandler) {
  EXPECT_EQ(ask("GET", "/rules").body, "list");
  EXPECT_EQ(ask("GET", "/rules/a").body, "one id=a");
  EXPECT_EQ(ask("POST", "/rules/a").body, "change id=a");
  EXPECT_EQ(ask("GET", "/queues/q/messages").body, "messages topic=q");
  EXPECT_EQ(ask("HEAD", "/rules").body, "list");
}
TEST_F(RouterTest, ALiteralPartWinsOverAParameter) {
  EXPECT_EQ(ask("GET", "/rules/best").body, "best");
  EXPECT_EQ(ask("POST", "/rules/best").body, "change id=best");
}
TEST_F(RouterTest, ParametersAreDecodedAndMayHoldASlash) {
  EXPECT_EQ(ask("GET", "/rules/a%2Fb+c").body, "one id=a/b+c");
  EXPECT_EQ(ask("GET", "/rules/a%2").status, 400);
  EXPECT_EQ(ask("GET", "/rules/%zz").status, 400);
}
TEST_F(RouterTest, UnknownPathsAre404) {
  for (const char* path :
       {"/", "/rule", "/rules/", "/rules/a/b", "/rules/a/", "//rules", "/queues//messages"}) {
    const auto r = ask("GET", path);
    EXPECT_EQ(r.status, 404) << path;
    EXPECT_EQ(r.content_type, "application/json");
    EXPECT_NE(r.body.find("there is nothing at"), std::string::npos);
  }
}
TEST_F(RouterTest, OtherMethodsAre405AndTheAllowedOnesAreTold) {
  const auto r = ask("DELETE", "/rules/a");
  EXPECT_EQ(r.status, 405);
  ASSERT_EQ(r.headers.size(), 1u);
  EXPECT_EQ(r.headers[0].first + ": " + r.headers[0].second, "Allow: GET, POST");
}
TEST_F(RouterTest, AHandlerThatThrowsIs500) { EXPECT_EQ(ask("GET", "/broken").status, 500); }

TEST(Http, QueriesAreDecoded) {
  const auto q = parse_query("a=1&b=x+y%26z&&c&a=2&d=%C3%A9");
  ASSERT_TRUE(q);
  const std::map<std::string, std::string> want{{"a", "2"}, {"b", "x y&z"}, {"c", ""}, {"d", "é"}};
  EXPECT_EQ(*q, want);
  EXPECT_FALSE(parse_query("a=%"));
  EXPECT_FALSE(parse_query("%4=1"));
}
TEST(Http, ErrorsAreJsonWhateverTheyQuote) {
  EXPECT_EQ(error_response(400, "a \"b\"\n\xFF", "do c").body,
            "{\"error\":\"a \\\"b\\\"\\n\xEF\xBF\xBD\",\"hint\":\"do c\"}\n");
}

}  // namespace
}  // namespace dunlin::api
