#include "broker/api/http_session.hpp"

#include <boost/asio/write.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

#include <atomic>

#include "base/log.hpp"

namespace dunlin::api {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

namespace {

constexpr size_t read_ahead = 64 << 10;  // of pipelined requests and bodies
constexpr size_t linger_bytes_max = 1 << 20;
constexpr auto linger_time = std::chrono::seconds(2);

std::string_view view(beast::string_view s) { return {s.data(), s.size()}; }

// The answer of a handler on its way back: posts it once; a handler that drops it is answered for
// with 500.
class answer {
 public:
  answer(std::shared_ptr<session_host> host, std::function<void(response)> write)
      : host_(std::move(host)), write_(std::move(write)) {}
  ~answer() {
    if (!given_.load()) give(error_response(500, "the request was dropped inside the node"));
  }
  void give(response r) {
    if (given_.exchange(true)) return;
    host_->post([write = std::move(write_), r = std::move(r)]() mutable { write(std::move(r)); });
  }

 private:
  std::shared_ptr<session_host> host_;
  std::function<void(response)> write_;
  std::atomic<bool> given_{false};
};

}  // namespace

http_session::http_session(asio::ip::tcp::socket socket, std::shared_ptr<session_host> host)
    : host_(std::move(host)),
      stream_(std::move(socket)),
      buffer_(host_->limits().header_bytes_max + read_ahead) {
  error_code ignored;
  stream_.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
}

http_session::~http_session() { host_->ended(this); }

void http_session::close() {
  error_code ignored;
  stream_.socket().close(ignored);
}

void http_session::close_if_idle() {
  if (idle_ && buffer_.size() == 0) close();
}

void http_session::expire_soon() {
  stream_.expires_after(std::chrono::milliseconds(host_->limits().idle_timeout_ms));
}

void http_session::read_header() {
  if (host_->stopping()) return close();
  parser_.emplace();
  parser_->header_limit(host_->limits().header_bytes_max);
  parser_->body_limit(host_->limits().body_bytes_max);
  idle_ = buffer_.size() == 0;
  expire_soon();
  http::async_read_header(
      stream_, buffer_, *parser_,
      [self = shared_from_this()](error_code ec, size_t) { self->on_header(ec); });
}

void http_session::on_header(error_code ec) {
  idle_ = false;
  if (ec) return on_parse_error(ec);
  const auto& head = parser_->get();
  head_ = head.method() == http::verb::head;
  version_ = head.version();
  keep_alive_ = head.keep_alive();
  if (view(head[http::field::expect]).find("100-continue") == std::string_view::npos)
    return read_body();
  static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
  asio::async_write(stream_, asio::buffer(go_on.data(), go_on.size()),
                    [self = shared_from_this()](error_code wrong, size_t) {
                      if (!wrong) self->read_body();
                    });
}

void http_session::read_body() {
  if (parser_->is_done()) return on_body({});
  expire_soon();
  http::async_read(stream_, buffer_, *parser_,
                   [self = shared_from_this()](error_code ec, size_t) { self->on_body(ec); });
}

void http_session::on_body(error_code ec) {
  if (ec) return on_parse_error(ec);
  dispatch();
}

void http_session::on_parse_error(error_code ec) {
  keep_alive_ = false;
  if (ec == http::error::body_limit)
    return write(error_response(
        413, "the body is over " + std::to_string(host_->limits().body_bytes_max) + " bytes",
        "http.body_bytes_max"));
  if (ec == http::error::header_limit || ec == http::error::buffer_overflow)
    return write(error_response(
        431, "the header is over " + std::to_string(host_->limits().header_bytes_max) + " bytes",
        "http.header_bytes_max"));
  const bool malformed =
      ec.category() == http::make_error_code(http::error::bad_method).category() &&
      ec != http::error::end_of_stream && ec != http::error::partial_message;
  if (malformed) return write(error_response(400, "this is not HTTP/1.1: " + ec.message()));
  close();  // the client left, or took too long
}

// Fills in the request, or says why it cannot be one.
std::optional<response> http_session::prepare(request& into) const {
  const auto& from = parser_->get();
  const std::string_view target = view(from.target());
  const size_t question = target.find('?');
  into.method = view(from.method_string());
  into.path = target.substr(0, question);
  if (!into.path.starts_with('/')) return error_response(400, "the target must be a path");
  auto query = parse_query(question == target.npos ? "" : target.substr(question + 1));
  if (!query) return error_response(400, "a % in the query is not followed by two hex digits");
  into.query = std::move(*query);
  const auto origin = view(from[http::field::origin]), host = view(from[http::field::host]);
  if (!origin.empty() && into.method != "GET" && into.method != "HEAD" &&
      !origin.ends_with("//" + std::string(host)))
    return error_response(403, "a page of another origin may not do that");
  return {};
}

void http_session::dispatch() {
  request r;
  auto refusal = prepare(r);
  if (refusal) return write(std::move(*refusal));
  r.body = std::move(parser_->get().body());
  parser_.reset();
  stream_.expires_never();  // a long poll takes its time; its handler bounds it
  log::debug("http_request", {{"method", r.method}, {"path", r.path}});
  const auto back = std::make_shared<answer>(
      host_, [self = shared_from_this()](response answered) { self->write(std::move(answered)); });
  host_->routes().dispatch(std::move(r),
                           [back](response answered) { back->give(std::move(answered)); });
}

http::message_generator http_session::encode(response r) const {
  const auto status = static_cast<http::status>(r.status);
  const auto fill = [&](auto& m) {
    m.set(http::field::content_type, r.content_type);
    m.set(http::field::cache_control, "no-store");
    for (const auto& [name, value] : r.headers) m.set(name, value);
    m.keep_alive(keep_alive_);
    m.content_length(r.body.size());
  };
  if (head_) {
    http::response<http::empty_body> m(status, version_);
    fill(m);
    return m;
  }
  http::response<http::string_body> m(status, version_);
  fill(m);
  m.body() = std::move(r.body);
  return m;
}

void http_session::write(response r) {
  if (!stream_.socket().is_open()) return;
  if (host_->stopping()) keep_alive_ = false;
  const bool keep = keep_alive_;
  expire_soon();
  beast::async_write(
      stream_, encode(std::move(r)),
      [self = shared_from_this(), keep](error_code ec, size_t) { self->on_written(ec, keep); });
}

void http_session::on_written(error_code ec, bool keep_alive) {
  if (ec) return close();
  if (keep_alive) return read_header();
  stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ec);
  if (ec) return close();
  stream_.expires_after(linger_time);
  linger(linger_bytes_max);
}

// Takes what the client still sends before the close: a reset could make it lose the answer.
void http_session::linger(size_t bytes_left) {
  stream_.async_read_some(asio::buffer(discard_),
                          [self = shared_from_this(), bytes_left](error_code ec, size_t n) {
                            if (ec || n >= bytes_left || self->host_->stopping())
                              return self->close();
                            self->linger(bytes_left - n);
                          });
}

void http_session::refuse() {
  keep_alive_ = false;
  write(error_response(503, "there are too many connections", "http.connections_max"));
}

}  // namespace dunlin::api
