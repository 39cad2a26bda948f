// One HTTP connection. Internal to http_server.cpp and http_session.cpp: brings Beast with it.
//
// All of it runs on the server's thread, but for the answer of a handler, which host::post brings
// there.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message_generator.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <memory>
#include <optional>
#include <string>

#include "broker/api/http_server.hpp"

namespace dunlin::api {

// What a session needs from its server.
class session_host {
 public:
  virtual const http_options& limits() const = 0;
  virtual const router& routes() const = 0;
  virtual bool stopping() const = 0;
  virtual void ended(class http_session* s) = 0;
  // Runs f on the server's thread; from any thread. False once the server has stopped.
  virtual bool post(std::function<void()> f) = 0;

 protected:
  ~session_host() = default;
};

class http_session : public std::enable_shared_from_this<http_session> {
 public:
  http_session(boost::asio::ip::tcp::socket socket, std::shared_ptr<session_host> host);
  ~http_session();

  void start() { read_header(); }
  void refuse();  // over connections_max
  void close();
  void close_if_idle();  // nothing of a request has come and none is at work

 private:
  using error_code = boost::beast::error_code;
  void read_header();
  void on_header(error_code ec);
  void read_body();
  void on_body(error_code ec);
  void on_parse_error(error_code ec);
  void dispatch();
  std::optional<response> prepare(request& into) const;
  void write(response r);
  boost::beast::http::message_generator encode(response r) const;
  void on_written(error_code ec, bool keep_alive);
  void linger(size_t bytes_left);
  void expire_soon();

  std::shared_ptr<session_host> host_;
  boost::beast::tcp_stream stream_;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
  bool head_ = false, keep_alive_ = false, idle_ = false;
  unsigned version_ = 11;
  char discard_[4096];
};

}  // namespace dunlin::api
