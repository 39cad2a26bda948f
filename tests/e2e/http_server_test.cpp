// The HTTP server over loopback, with a client that writes raw bytes.
#include "broker/api/http_server.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <thread>

namespace dunlin::api {
namespace {

class client {
 public:
  explicit client(uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval limit{10, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) ADD_FAILURE() << "connect";
  }
  ~client() { close(fd_); }
  client(const client&) = delete;
  client& operator=(const client&) = delete;

  void send(const std::string& bytes) { ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  // Reads until the text is there; what came so far.
  std::string until(const std::string& text) {
    while (in_.find(text) == std::string::npos && read_some()) {
    }
    return std::exchange(in_, {});
  }
  std::string to_end() {
    while (read_some()) {
    }
    return std::exchange(in_, {});
  }

 private:
  bool read_some() {
    char buffer[4096];
    const ssize_t n = recv(fd_, buffer, sizeof buffer, 0);
    if (n > 0) in_.append(buffer, static_cast<size_t>(n));
    return n > 0;
  }
  int fd_;
  std::string in_;
};

class HttpServerTest : public ::testing::Test {
 protected:
  HttpServerTest() {
    router r;
    r.add("GET", "/hello", [](const request& q, respond done) {
      const auto it = q.query.find("name");
      done(text_response(200, "hello " + (it == q.query.end() ? "" : it->second) + "."));
    });
    r.add("POST", "/echo",
          [](const request& q, respond done) { done(text_response(200, q.body)); });
    r.add("GET", "/dropped", [](const request&, respond) {});
    r.add("GET", "/later", [this](const request&, respond done) {
      const std::lock_guard lock(mutex_);
      waiting_.push_back(std::move(done));
      came_.notify_all();
    });
    options_.host = "127.0.0.1";
    options_.connections_max = 3;
    options_.header_bytes_max = 1024;
    options_.body_bytes_max = 2000;
    options_.idle_timeout_ms = 60'000;
    routes_ = std::move(r);
  }
  void start() {
    auto started = http_server::start(options_, routes_);
    ASSERT_TRUE(started.ok()) << std::string(started.status().message());
    server_ = std::move(*started);
  }
  respond take_waiting() {
    std::unique_lock lock(mutex_);
    came_.wait_for(lock, std::chrono::seconds(10), [this] { return !waiting_.empty(); });
    EXPECT_FALSE(waiting_.empty());
    respond done = std::move(waiting_.back());
    waiting_.pop_back();
    return done;
  }

  http_options options_;
  router routes_;
  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<respond> waiting_;
  std::unique_ptr<http_server> server_;
};

TEST_F(HttpServerTest, AnswersAndKeepsTheConnection) {
  start();
  client c(server_->port());
  for (int i = 0; i < 3; ++i) {
    c.send("GET /hello?name=a%20b HTTP/1.1\r\nHost: x\r\n\r\n");
    const auto got = c.until("hello a b.");
    EXPECT_TRUE(got.starts_with("HTTP/1.1 200 OK\r\n")) << got;
    EXPECT_NE(got.find("Content-Length: 10\r\n"), std::string::npos) << got;
  }
  c.send("GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(c.to_end().ends_with("hello ."));
}
TEST_F(HttpServerTest, PipelinedRequestsAreAnsweredInOrder) {
  start();
  client c(server_->port());
  std::string all;
  for (int i = 0; i < 50; ++i)
    all += "GET /hello?name=" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n";
  c.send(all + "GET /hello?name=end HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const auto got = c.to_end();
  size_t at = 0;
  for (int i = 0; i < 50; ++i) {
    at = got.find("hello " + std::to_string(i) + ".", at);
    ASSERT_NE(at, std::string::npos) << i;
  }
  EXPECT_NE(got.find("hello end.", at), std::string::npos);
}
TEST_F(HttpServerTest, HeadHasNoBody) {
  start();
  client c(server_->port());
  c.send("HEAD /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const auto got = c.to_end();
  EXPECT_NE(got.find("Content-Length: 7\r\n"), std::string::npos) << got;
  EXPECT_TRUE(got.ends_with("\r\n\r\n")) << got;
}
TEST_F(HttpServerTest, BodiesComeWholeChunkedOrAfterAContinue) {
  start();
  client c(server_->port());
  c.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nfi");
  c.send("rst");
  EXPECT_TRUE(c.until("first").ends_with("first"));
  c.send(
      "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nsec\r\n3\r\nond\r\n0\r\n\r\n");
  EXPECT_TRUE(c.until("second").ends_with("second"));
  c.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(c.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  c.send("third");
  EXPECT_TRUE(c.until("third").ends_with("third"));
}
TEST_F(HttpServerTest, BoundsHaveTheirAnswers) {
  start();
  const auto ask = [&](const std::string& bytes) {
    client c(server_->port());
    c.send(bytes);
    return c.to_end().substr(0, 12);
  };
  EXPECT_EQ(ask("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2001\r\n\r\n" +
                std::string(2001, 'x')),
            "HTTP/1.1 413");
  EXPECT_EQ(ask("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nFFFF\r\n" +
                std::string(65535, 'x')),
            "HTTP/1.1 413");
  EXPECT_EQ(ask("GET /hello HTTP/1.1\r\nX: " + std::string(2000, 'x') + "\r\n\r\n"),
            "HTTP/1.1 431");
  EXPECT_EQ(ask("\x16\x03\x01 not http\r\n\r\n"), "HTTP/1.1 400");
  EXPECT_EQ(ask("GET hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), "HTTP/1.1 400");
  EXPECT_EQ(ask("GET /hello?%4 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), "HTTP/1.1 400");
  EXPECT_EQ(ask("GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), "HTTP/1.1 404");
  EXPECT_EQ(ask("GET /dropped HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), "HTTP/1.1 500");
}
TEST_F(HttpServerTest, APageOfAnotherOriginCannotWrite) {
  start();
  const auto post = [&](const std::string& origin) {
    client c(server_->port());
    c.send("POST /echo HTTP/1.1\r\nHost: 127.0.0.1:80\r\nOrigin: " + origin +
           "\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx");
    return c.to_end().substr(0, 12);
  };
  EXPECT_EQ(post("http://evil.example"), "HTTP/1.1 403");
  EXPECT_EQ(post("null"), "HTTP/1.1 403");
  EXPECT_EQ(post("http://127.0.0.1:80"), "HTTP/1.1 200");
}
TEST_F(HttpServerTest, LongPollsAreAnsweredFromAnyThreadAndHoldUpNoOneElse) {
  start();
  client slow(server_->port()), quick(server_->port());
  slow.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  respond done = take_waiting();
  quick.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(quick.until("hello .").ends_with("hello ."));
  std::thread([&] { done(text_response(200, "at last")); }).join();
  EXPECT_TRUE(slow.until("at last").ends_with("at last"));
}
TEST_F(HttpServerTest, ConnectionsOverTheLimitAreTold) {
  start();
  client a(server_->port()), b(server_->port()), c(server_->port());
  for (auto* each : {&a, &b, &c}) {
    each->send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    each->until("hello .");
  }
  client d(server_->port());
  EXPECT_EQ(d.to_end().substr(0, 12), "HTTP/1.1 503");
}
TEST_F(HttpServerTest, IdleConnectionsAreClosed) {
  options_.idle_timeout_ms = 100;
  start();
  client c(server_->port()), half(server_->port());
  half.send("GET /hel");
  EXPECT_EQ(c.to_end(), "");
  EXPECT_EQ(half.to_end(), "");
}
TEST_F(HttpServerTest, StopAnswersWhatIsAtWorkAndTakesNoMore) {
  start();
  client idle(server_->port()), busy(server_->port());
  idle.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  idle.until("hello .");
  busy.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  respond done = take_waiting();
  std::thread stopper([&] { server_->stop(); });
  EXPECT_EQ(idle.to_end(), "");  // closed: the stop has begun
  done(text_response(200, "in time"));
  EXPECT_TRUE(busy.to_end().ends_with("in time"));
  stopper.join();
}
TEST_F(HttpServerTest, AnAnswerAfterTheStopIsDropped) {
  start();
  client c(server_->port());
  c.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  respond done = take_waiting();
  server_->stop();
  server_.reset();
  done(text_response(200, "too late"));
  EXPECT_EQ(c.to_end(), "");
}
TEST_F(HttpServerTest, ATakenPortIsTold) {
  start();
  options_.port = server_->port();
  const auto second = http_server::start(options_, routes_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().message(), "127.0.0.1:" + std::to_string(options_.port) +
                                           ": cannot listen: Address already in use");
}

}  // namespace
}  // namespace dunlin::api
