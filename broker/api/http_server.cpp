#include "broker/api/http_server.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <mutex>
#include <set>
#include <thread>

#include "base/log.hpp"
#include "broker/api/http_session.hpp"

namespace dunlin::api {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr size_t refusals_max =
    16;  // connections over the limit that are told so; more are closed at once
constexpr auto stop_grace = std::chrono::seconds(1);
constexpr auto accept_pause = std::chrono::milliseconds(100);  // out of file descriptors

}  // namespace

// Kept alive by its sessions too: a handler may answer when the server is gone.
struct http_server::core final : session_host, std::enable_shared_from_this<core> {
  core(const http_options& o, router r) : options(o), table(std::move(r)) {}

  const http_options& limits() const override { return options; }
  const router& routes() const override { return table; }
  bool stopping() const override { return stop_begun; }
  void ended(http_session* s) override {
    const std::lock_guard lock(
        mutex);  // once stopped, a late answer ends its session on a thread of its own
    sessions.erase(s);
    if (stopped) return;
    if (stop_begun && sessions.empty()) grace.cancel();
  }
  bool post(std::function<void()> f) override {
    const std::lock_guard lock(mutex);
    if (stopped) return false;
    asio::post(io, std::move(f));
    return true;
  }

  absl::Status listen() {
    error_code ec;
    const auto address =
        asio::ip::make_address(options.host == "localhost" ? "127.0.0.1" : options.host, ec);
    const tcp::endpoint at(address, options.port);
    if (!ec) acceptor.open(at.protocol(), ec);
    if (!ec) acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
    if (!ec) acceptor.bind(at, ec);
    if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
    if (!ec) port = acceptor.local_endpoint(ec).port();
    if (!ec) return absl::OkStatus();
    const std::string host =
        options.host.find(':') == std::string::npos ? options.host : '[' + options.host + ']';
    return absl::UnavailableError(host + ':' + std::to_string(options.port) +
                                  ": cannot listen: " + ec.message());
  }

  void accept() {
    acceptor.async_accept([this](error_code ec, tcp::socket socket) {
      if (ec == asio::error::operation_aborted || !acceptor.is_open()) return;
      if (ec) {
        log::warn("http_accept_failed", {{"error", ec.message()}});
        pause.expires_after(accept_pause);
        return pause.async_wait([this](error_code aborted) {
          if (!aborted) accept();
        });
      }
      take(std::move(socket));
      accept();
    });
  }

  void take(tcp::socket socket) {
    const size_t open = sessions.size();
    if (open >= options.connections_max + refusals_max) return;
    const auto s = std::make_shared<http_session>(std::move(socket), shared_from_this());
    {
      const std::lock_guard lock(mutex);
      sessions.insert(s.get());
    }
    open < options.connections_max ? s->start() : s->refuse();
  }

  void begin_stop() {
    stop_begun = true;
    error_code ignored;
    acceptor.close(ignored);
    pause.cancel();
    guard.reset();
    for (auto* s : sessions) s->close_if_idle();
    if (sessions.empty()) return;
    grace.expires_after(stop_grace);
    grace.async_wait([this](error_code) {
      for (auto* s : sessions) s->close();
      const std::lock_guard lock(mutex);
      stopped = true;
    });
  }

  void run() {
    io.run();
    const std::lock_guard lock(mutex);
    stopped = true;
  }

  http_options options;  // on the server's thread once it runs
  const router table;
  std::mutex mutex;  // guards stopped and sessions: nothing is posted to a loop that has ended
  bool stopped = false;
  bool stop_begun = false;  // on the server's thread, as are the rest
  std::set<http_session*> sessions;
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard{io.get_executor()};
  tcp::acceptor acceptor{io};
  asio::steady_timer pause{io}, grace{io};
  uint16_t port = 0;
  std::thread thread;
};

http_server::http_server(std::shared_ptr<core> c) : core_(std::move(c)) {}

absl::StatusOr<std::unique_ptr<http_server>> http_server::start(const http_options& o,
                                                                router routes) {
  auto c = std::make_shared<core>(o, std::move(routes));
  if (const auto status = c->listen(); !status.ok()) return status;
  c->accept();
  c->thread = std::thread([p = c.get()] { p->run(); });
  return std::unique_ptr<http_server>(new http_server(std::move(c)));
}

http_server::~http_server() { stop(); }

uint16_t http_server::port() const { return core_->port; }

void http_server::set_limits(const http_options& o) {
  core_->post([c = core_.get(), o] {
    c->options.connections_max = o.connections_max;
    c->options.header_bytes_max = o.header_bytes_max;
    c->options.body_bytes_max = o.body_bytes_max;
    c->options.idle_timeout_ms = o.idle_timeout_ms;
  });
}

void http_server::stop() {
  if (!core_->thread.joinable()) return;
  core_->post([c = core_.get()] { c->begin_stop(); });
  core_->thread.join();
}

}  // namespace dunlin::api
