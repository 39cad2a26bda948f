// Boost.Beast's client against our server, in memory.
#include <gtest/gtest.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/_experimental/test/stream.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>

#include <string>

#include "broker/net/websocket.hpp"

namespace dunlin::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;
using client_stream = websocket::stream<beast::test::stream>;

class BeastClient : public ::testing::Test {
 protected:
  BeastClient() : client_(io_), wire_(io_) {
    client_.next_layer().connect(wire_);
    client_.set_option(websocket::stream_base::decorator([](websocket::request_type& r) {
      r.set(beast::http::field::sec_websocket_protocol, "mqtt");
    }));
    client_.binary(true);
  }
  // Until neither side has anything to say.
  void run() {
    for (;;) {
      io_.restart();
      size_t did = io_.poll();
      std::string sent(wire_.str());
      wire_.clear();
      if (!sent.empty()) {
        ++did;
        got_.append(sent.data(), server_.receive(sent.data(), sent.size()));
      }
      if (server_.has_output()) {
        ++did;
        asio::write(wire_, asio::buffer(server_.take_output()));
      }
      if (did == 0) return;
    }
  }
  void open() {
    beast::error_code result = asio::error::would_block;
    client_.async_handshake("localhost", "/mqtt", [&](beast::error_code ec) { result = ec; });
    run();
    ASSERT_FALSE(result) << result.message();
    ASSERT_TRUE(server_.open());
  }
  void write(const std::string& payload, bool last = true) {
    beast::error_code result = asio::error::would_block;
    client_.async_write_some(last, asio::buffer(payload),
                             [&](beast::error_code ec, size_t) { result = ec; });
    run();
    ASSERT_FALSE(result) << result.message();
  }

  asio::io_context io_;
  client_stream client_;
  beast::test::stream wire_;
  websocket_server server_{"/mqtt"};
  std::string got_;
};

TEST_F(BeastClient, MessagesOfEverySizeBothWays) {
  open();
  for (const size_t n : {1u, 125u, 126u, 65'535u, 65'536u, 1'000'000u}) {
    const std::string payload(n, static_cast<char>('a' + n % 26));
    got_.clear();
    write(payload);
    EXPECT_EQ(got_, payload) << n;
    std::string frame;
    websocket_server::frame(payload, frame);
    asio::write(wire_, asio::buffer(frame));
    beast::flat_buffer read;
    beast::error_code result = asio::error::would_block;
    client_.async_read(read, [&](beast::error_code ec, size_t) { result = ec; });
    run();
    ASSERT_FALSE(result) << result.message();
    EXPECT_TRUE(client_.got_binary());
    EXPECT_EQ(beast::buffers_to_string(read.data()), payload);
  }
}

TEST_F(BeastClient, FragmentsAndPings) {
  open();
  write("abc", false);
  bool ponged = false;
  client_.control_callback([&](websocket::frame_type t, beast::string_view payload) {
    ponged = ponged || (t == websocket::frame_type::pong && payload == "hi");
  });
  client_.async_ping("hi", [](beast::error_code) {});
  beast::flat_buffer read;
  client_.async_read(read, [](beast::error_code, size_t) {});
  run();
  EXPECT_TRUE(ponged);
  write("def", false);
  write("", true);
  EXPECT_EQ(got_, "abcdef");
  EXPECT_FALSE(server_.over());
}

TEST_F(BeastClient, ItsCloseIsAnswered) {
  open();
  beast::error_code result = asio::error::would_block;
  client_.async_close(websocket::close_code::normal, [&](beast::error_code ec) { result = ec; });
  run();
  EXPECT_TRUE(server_.over());
  wire_.close();
  run();
  EXPECT_FALSE(result) << result.message();
}

TEST_F(BeastClient, SeesOurCloseCode) {
  open();
  client_.text(true);
  write("text");  // [MQTT-6.0.0-1]
  EXPECT_TRUE(server_.over());
  beast::flat_buffer read;
  beast::error_code result;
  client_.async_read(read, [&](beast::error_code ec, size_t) { result = ec; });
  run();
  wire_.close();
  run();
  EXPECT_EQ(result, websocket::error::closed);
  EXPECT_EQ(client_.reason().code, websocket::close_code::unknown_data);
}

}  // namespace
}  // namespace dunlin::net
